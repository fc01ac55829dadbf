-- One row is one aggregate. `body` holds it whole, as JSON (store/records.py); the other
-- columns repeat what is asked for.
CREATE TABLE functions (
    account    TEXT    NOT NULL,
    region     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    revision   TEXT    NOT NULL,
    unsettled  INTEGER NOT NULL,
    code_bytes INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX functions_unsettled ON functions (unsettled) WHERE unsettled;
