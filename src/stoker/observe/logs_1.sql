-- CloudWatch Logs: groups, streams, and events in chunks (observe/log_chunks.py).
-- Ids of groups and streams are never used twice, so that chunks of a deleted one, which are
-- cleared away later, can never show up in another. -1 as a time: there is none yet.

CREATE TABLE log_group (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account        TEXT    NOT NULL,
    region         TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    created_ms     INTEGER NOT NULL,
    retention_days INTEGER,
    class          TEXT    NOT NULL DEFAULT 'STANDARD',
    kms_key_id     TEXT,
    stored_bytes   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, region, name)
) STRICT;

CREATE TABLE log_group_tag (
    group_id INTEGER NOT NULL,
    key      TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    PRIMARY KEY (group_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_stream (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id     INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    created_ms   INTEGER NOT NULL,
    first_ms     INTEGER NOT NULL DEFAULT -1,
    last_ms      INTEGER NOT NULL DEFAULT -1,
    ingested_ms  INTEGER NOT NULL DEFAULT -1,
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    loose        INTEGER NOT NULL DEFAULT 0,  -- its chunks of tier 0: so many, and they are merged
    UNIQUE (group_id, name)
) STRICT;

CREATE INDEX log_stream_by_last ON log_stream (group_id, last_ms, name);

CREATE TABLE log_chunk (
    id           INTEGER PRIMARY KEY,
    group_id     INTEGER NOT NULL,
    stream_id    INTEGER NOT NULL,
    tier         INTEGER NOT NULL,
    first_ms     INTEGER NOT NULL,
    last_ms      INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    size_bytes   INTEGER NOT NULL,  -- of the body before compression
    body         BLOB    NOT NULL
) STRICT;

-- Each holds all that choosing chunks needs: bodies are read one by one, when they are due.
CREATE INDEX log_chunk_group_first ON log_chunk (group_id, first_ms, last_ms, stream_id);
CREATE INDEX log_chunk_group_last ON log_chunk (group_id, last_ms, first_ms, stream_id);
CREATE INDEX log_chunk_stream_first ON log_chunk (stream_id, first_ms, last_ms);
CREATE INDEX log_chunk_stream_last ON log_chunk (stream_id, last_ms, first_ms);
CREATE INDEX log_chunk_tier ON log_chunk (stream_id, tier);

-- The number the next event gets: unique in the store, in the order of arrival.
CREATE TABLE log_sequence (next INTEGER NOT NULL) STRICT;
INSERT INTO log_sequence (next) VALUES (1);

-- Deleted streams whose chunks are still to be cleared away.
CREATE TABLE log_deleted_stream (stream_id INTEGER PRIMARY KEY) STRICT;
