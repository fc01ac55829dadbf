-- Settings of a function, a version or an alias that are no part of its configuration, and go
-- with it.
CREATE TABLE function_settings (
    account   TEXT NOT NULL,
    region    TEXT NOT NULL,
    name      TEXT NOT NULL,
    qualifier TEXT NOT NULL, -- "$LATEST": the function's
    kind      TEXT NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (account, region, name, kind, qualifier)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER settings_of_function AFTER DELETE ON functions BEGIN
    DELETE FROM function_settings WHERE account = OLD.account AND region = OLD.region
        AND name = OLD.name AND qualifier = '$LATEST';
END;

CREATE TRIGGER settings_of_version AFTER DELETE ON function_versions BEGIN
    DELETE FROM function_settings WHERE account = OLD.account AND region = OLD.region
        AND name = OLD.name AND qualifier = CAST(OLD.version AS TEXT);
END;

CREATE TRIGGER settings_of_alias AFTER DELETE ON aliases BEGIN
    DELETE FROM function_settings WHERE account = OLD.account AND region = OLD.region
        AND name = OLD.name AND qualifier = OLD.alias;
END;
