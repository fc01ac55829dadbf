-- Queues and their messages. What a message says is apart from where it stands: a start reads the
-- latter only.
CREATE TABLE queues (
    id         INTEGER PRIMARY KEY,
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    name       TEXT NOT NULL,
    created    REAL NOT NULL, -- seconds of the epoch
    modified   REAL NOT NULL,
    attributes TEXT NOT NULL, -- JSON
    tags       TEXT NOT NULL, -- JSON
    UNIQUE (account, region, name)
) STRICT;

CREATE TABLE messages (
    id             INTEGER PRIMARY KEY,
    queue          INTEGER NOT NULL,
    sent           REAL NOT NULL,
    visible        REAL NOT NULL,
    size           INTEGER NOT NULL,
    message_group  TEXT,
    receives       INTEGER NOT NULL,
    first_received REAL NOT NULL,
    receipt        TEXT NOT NULL
) STRICT;
CREATE INDEX messages_of_queue ON messages (queue);

CREATE TABLE message_contents (
    id         INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    body       TEXT NOT NULL,
    attributes TEXT NOT NULL, -- JSON: {name: [kind, text or null, base64 or null]}
    system     TEXT NOT NULL  -- JSON: {name: text}
) STRICT;

CREATE TABLE deduplications (
    queue      INTEGER NOT NULL,
    scope      TEXT NOT NULL,
    until      REAL NOT NULL,
    message_id TEXT NOT NULL,
    number     INTEGER NOT NULL,
    PRIMARY KEY (queue, scope)
) STRICT, WITHOUT ROWID;
