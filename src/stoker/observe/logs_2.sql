-- Subscription filters, and the events that wait for their destinations (observe/log_outbox.py).

CREATE TABLE log_subscription (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id      INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    pattern       TEXT    NOT NULL,
    destination   TEXT    NOT NULL,
    role          TEXT,
    distribution  TEXT    NOT NULL,
    created_ms    INTEGER NOT NULL,
    waiting_bytes INTEGER NOT NULL DEFAULT 0,  -- of its parcels
    full          INTEGER NOT NULL DEFAULT 0,  -- the last events found no room
    UNIQUE (group_id, name)
) STRICT;

CREATE INDEX log_subscription_waiting ON log_subscription (id) WHERE waiting_bytes > 0;

-- Matching events, in the order in which they came. Bodies are as those of chunks.
CREATE TABLE log_parcel (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription_id INTEGER NOT NULL,
    stream          TEXT    NOT NULL,
    queued_ms       INTEGER NOT NULL,
    size_bytes      INTEGER NOT NULL,  -- of the events, with what each costs
    body            BLOB    NOT NULL
) STRICT;

CREATE INDEX log_parcel_of ON log_parcel (subscription_id, id);
