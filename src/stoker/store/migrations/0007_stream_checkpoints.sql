-- How far each event source mapping has read each shard of its stream. `body` is JSON
-- (core/stream_shards.py). Gone with the mapping.
CREATE TABLE stream_checkpoints (
    mapping TEXT NOT NULL,
    shard   TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (mapping, shard)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER checkpoints_of_mapping AFTER DELETE ON resources
    WHEN OLD.kind = 'event-source-mapping' BEGIN
    DELETE FROM stream_checkpoints WHERE mapping = OLD.id;
END;
