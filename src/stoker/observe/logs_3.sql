-- Metric filters (observe/metric_filters.py).

CREATE TABLE log_metric_filter (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id       INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    pattern        TEXT    NOT NULL,
    transformation TEXT    NOT NULL,  -- JSON, with the members of core/metric_filters.py
    created_ms     INTEGER NOT NULL,
    UNIQUE (group_id, name)
) STRICT;
