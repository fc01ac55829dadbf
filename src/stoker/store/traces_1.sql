-- Traces, and the segment documents that came of them.
CREATE TABLE traces (
    number   INTEGER PRIMARY KEY,
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    id       TEXT NOT NULL,
    made     INTEGER NOT NULL, -- by its id; seconds of the epoch, as all times here
    touched  REAL NOT NULL,    -- when the latest segment came
    ended    REAL NOT NULL,    -- what ended last of it
    revision INTEGER NOT NULL, -- how many documents came
    UNIQUE (account, region, id)
) STRICT;
CREATE INDEX traces_by_time ON traces (account, region, made, number);
CREATE INDEX traces_by_touch ON traces (touched);

CREATE TABLE segments (
    number   INTEGER PRIMARY KEY,
    trace    INTEGER NOT NULL,
    id       TEXT NOT NULL,
    owner    TEXT NOT NULL,    -- whose share it counts on: "account:region:function"
    done     INTEGER NOT NULL, -- 0: the segment goes on, and another document will come
    size     INTEGER NOT NULL,
    document BLOB NOT NULL,    -- JSON
    UNIQUE (trace, id)
) STRICT;
CREATE INDEX segments_by_owner ON segments (owner, number, size);
