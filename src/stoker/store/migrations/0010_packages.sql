-- Small packages whose files may not be on the disk yet: written with the function that owns them,
-- so that both are durable by one commit. They are forgotten once their files are.
CREATE TABLE fresh_packages (
    digest  TEXT    PRIMARY KEY, -- SHA-256
    times   INTEGER NOT NULL,    -- that it was given
    content BLOB    NOT NULL
) STRICT;
