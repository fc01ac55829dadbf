-- An event as it is accepted: one statement for both tables, which is a commit by itself.
CREATE TEMP VIEW accepted_events AS
    SELECT id, account, region, name, qualifier, accepted, due, attempts, refusals, size,
        request_id, invoked_arn, content_type, trace_id, trace_parent, body, tenant
    FROM events JOIN event_contents USING (id);

CREATE TEMP TRIGGER accept INSTEAD OF INSERT ON accepted_events BEGIN
    INSERT INTO events VALUES (
        NEW.id, NEW.account, NEW.region, NEW.name, NEW.qualifier, NEW.accepted, NEW.due,
        NEW.attempts, NEW.refusals, NEW.size
    );
    INSERT INTO event_contents VALUES (
        NEW.id, NEW.request_id, NEW.invoked_arn, NEW.content_type, NEW.trace_id,
        NEW.trace_parent, NEW.body, NEW.tenant
    );
END;
