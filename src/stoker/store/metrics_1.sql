-- Metrics: whose values, of what, and what is kept of each span of time.
CREATE TABLE sources (
    id         INTEGER PRIMARY KEY,
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    namespace  TEXT NOT NULL,
    dimensions TEXT NOT NULL, -- JSON: [[name, value], …]
    UNIQUE (account, region, namespace, dimensions)
) STRICT;

CREATE TABLE names (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    UNIQUE (name, unit)
) STRICT;

-- Which metrics a source has, and about when the latest value came.
CREATE TABLE series (
    source INTEGER NOT NULL,
    name   INTEGER NOT NULL,
    latest INTEGER NOT NULL, -- seconds of the epoch
    PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID;

-- All metrics of one source in one span, packed (core/packed_statistics.py). Who writes later into the
-- same span adds a part; parts become one when spans are merged.
CREATE TABLE points (
    source INTEGER NOT NULL,
    start  INTEGER NOT NULL, -- seconds of the epoch
    part   INTEGER NOT NULL, -- 0: merged
    facts  BLOB NOT NULL,
    PRIMARY KEY (source, start, part)
) STRICT, WITHOUT ROWID;

-- Up to where spans were merged to this length.
CREATE TABLE rolled (
    span  INTEGER PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;
