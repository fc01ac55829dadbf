-- Events that were accepted and are not at their end. What a start must read is apart from what
-- is large, so that a start with 100,000 events does not read their bodies.
CREATE TABLE events (
    id        INTEGER PRIMARY KEY,
    account   TEXT NOT NULL,
    region    TEXT NOT NULL,
    name      TEXT NOT NULL,
    qualifier TEXT,          -- as the caller gave it
    accepted  REAL NOT NULL, -- seconds of the epoch
    due       REAL NOT NULL,
    attempts  INTEGER NOT NULL,
    refusals  INTEGER NOT NULL,
    size      INTEGER NOT NULL -- of the body
) STRICT;

CREATE TABLE event_contents (
    id           INTEGER PRIMARY KEY,
    request_id   TEXT NOT NULL,
    invoked_arn  TEXT NOT NULL,
    content_type TEXT NOT NULL,
    trace_id     TEXT NOT NULL,
    trace_parent TEXT NOT NULL,
    body         BLOB NOT NULL
) STRICT;
