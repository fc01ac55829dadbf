-- Whose environment runs an event of a function with tenant isolation; '' of every other.
ALTER TABLE event_contents ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
