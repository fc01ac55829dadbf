-- The row of a layer stays when all its versions are deleted: a number is never given again.
CREATE TABLE layers (
    account      TEXT    NOT NULL,
    region       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    last_version INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE layer_versions (
    account    TEXT    NOT NULL,
    region     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    revision   TEXT    NOT NULL,
    code       TEXT    NOT NULL, -- SHA-256
    code_bytes INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (account, region, name, version)
) STRICT, WITHOUT ROWID;
