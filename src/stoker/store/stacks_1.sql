-- CloudFormation's stacks; bodies are JSON of core/stacks/model.py.
CREATE TABLE stacks (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE stack_resources (
    stack TEXT NOT NULL,
    logical TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (stack, logical)
) WITHOUT ROWID;
CREATE TABLE stack_events (
    stack TEXT NOT NULL,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (stack, number)
) WITHOUT ROWID;
CREATE TABLE change_sets (
    stack TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (stack, id)
) WITHOUT ROWID;
