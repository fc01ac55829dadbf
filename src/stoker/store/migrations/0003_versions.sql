-- The row stays when the function is deleted: a version's number is never given again.
CREATE TABLE function_numbers (
    account      TEXT    NOT NULL,
    region       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    last_version INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE function_versions (
    account    TEXT    NOT NULL,
    region     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    revision   TEXT    NOT NULL,
    unsettled  INTEGER NOT NULL,
    code_bytes INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (account, region, name, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX function_versions_unsettled ON function_versions (unsettled) WHERE unsettled;

CREATE TABLE aliases (
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    name     TEXT NOT NULL,
    alias    TEXT NOT NULL,
    revision TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (account, region, name, alias)
) STRICT, WITHOUT ROWID;
