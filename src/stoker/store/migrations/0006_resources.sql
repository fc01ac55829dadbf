-- What an account has besides functions and layers: event source mappings, code signing
-- configurations, capacity providers. `body` holds one whole, as JSON.
CREATE TABLE resources (
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    revision TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (account, region, kind, id)
) STRICT, WITHOUT ROWID;
