-- Events: what happened, for those who watch. An event is written in the transaction of what it tells of, to an inbox;
-- a replica soon gives it its place in the log, where places have no gaps.
--
-- Expand: everything here is new.

CREATE TABLE event_inbox (
    -- Events of one grant are in the order of its changes: each is written under the lock of its row.
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type         text   NOT NULL,
    at           bigint NOT NULL,
    -- Empty for what concerns every tenant.
    tenant       text COLLATE "C" NOT NULL,
    provider     text COLLATE "C",
    -- Where it concerns a grant, all of these.
    user_id      text COLLATE "C",
    account      text COLLATE "C",
    grant_id     uuid,
    generation   bigint,
    cause        text,
    dies_at      bigint,
    registration text COLLATE "C",
    key_id       text,
    webhook_id   uuid,
    CHECK (num_nulls(user_id, account, grant_id, generation) IN (0, 4))
);

CREATE TABLE events (
    sequence     bigint PRIMARY KEY,
    type         text   NOT NULL,
    at           bigint NOT NULL,
    tenant       text COLLATE "C" NOT NULL,
    provider     text COLLATE "C",
    user_id      text COLLATE "C",
    account      text COLLATE "C",
    grant_id     uuid,
    generation   bigint,
    cause        text,
    dies_at      bigint,
    registration text COLLATE "C",
    key_id       text,
    webhook_id   uuid
);

-- A watcher of one tenant reads its rows and those of providers, in the order of the log.
CREATE INDEX events_of_tenant ON events (tenant, sequence);

-- The last place given, and the last one pruned.
CREATE TABLE event_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    sequence bigint  NOT NULL DEFAULT 0,
    pruned   bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

INSERT INTO event_head DEFAULT VALUES;

CALL isolate_tenants('event_inbox', 'tenant');
CALL isolate_tenants('events', 'tenant');

-- Whoever changes something may tell of it, whatever tenant its transaction names.
CREATE POLICY append ON event_inbox FOR INSERT TO token_broker_rotator, token_broker_admin WITH CHECK (true);

GRANT SELECT, INSERT, DELETE ON event_inbox TO token_broker_rotator;
GRANT INSERT ON event_inbox TO token_broker_admin;
GRANT SELECT, INSERT, DELETE ON events TO token_broker_rotator;
GRANT SELECT, UPDATE ON event_head TO token_broker_rotator;

-- What a change of a grant's standing tells. Claims and SENT change nothing of it and cost nothing here.
CREATE FUNCTION tell_of_grant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told text;
BEGIN
    told := CASE
        WHEN TG_OP = 'INSERT' THEN 'grant.created'
        WHEN NEW.lifecycle = 'active' AND OLD.lifecycle IN ('revoking', 'revoked') THEN 'grant.created'
        WHEN NEW.lifecycle = 'active' AND OLD.lifecycle <> 'active' THEN 'grant.recovered'
        WHEN NEW.lifecycle = 'active' THEN 'grant.refreshed'
        WHEN NEW.lifecycle = OLD.lifecycle THEN NULL
        WHEN NEW.lifecycle = 'needs_consent' THEN 'grant.needs_consent'
        WHEN NEW.lifecycle = 'consent_expired' THEN 'grant.expired'
        WHEN NEW.lifecycle = 'revoked' THEN 'grant.revoked'
    END;
    IF told IS NOT NULL THEN
        INSERT INTO event_inbox (type, at, tenant, provider, user_id, account, grant_id, generation, cause, dies_at,
                                 registration)
        SELECT told, NEW.updated_at, g.tenant, g.provider, g.user_id, g.account, g.id, NEW.generation,
               NEW.consent_cause, CASE WHEN told = 'grant.expired' THEN g.dies_at END, g.registration
        FROM grants g WHERE g.id = NEW.grant_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER grant_made AFTER INSERT ON grant_rotation FOR EACH ROW EXECUTE FUNCTION tell_of_grant();
CREATE TRIGGER grant_moved AFTER UPDATE ON grant_rotation FOR EACH ROW
    WHEN (OLD.generation <> NEW.generation OR OLD.lifecycle <> NEW.lifecycle)
    EXECUTE FUNCTION tell_of_grant();

-- That a grant will die: called in the transaction that marks the notice as given.
CREATE FUNCTION tell_of_end(of_grant uuid, told_at bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO event_inbox (type, at, tenant, provider, user_id, account, grant_id, generation, dies_at, registration)
    SELECT 'grant.expiring', told_at, g.tenant, g.provider, g.user_id, g.account, g.id, r.generation, g.dies_at,
           g.registration
    FROM grants g JOIN grant_rotation r ON r.grant_id = g.id WHERE g.id = of_grant
$$;

CREATE FUNCTION tell_of_registration(
    told text, of_tenant text, of_provider text, of_registration text, told_at bigint
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO event_inbox (type, at, tenant, provider, registration)
    VALUES (told, told_at, of_tenant, of_provider, of_registration)
$$;

CREATE FUNCTION tell_of_key_rotation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event_inbox (type, at, tenant, key_id)
    VALUES ('key.rotated', NEW.ended_at, coalesce(NEW.tenant, ''), NEW.target);
    RETURN NULL;
END $$;

CREATE TRIGGER key_rotation_ended AFTER UPDATE ON key_rotations FOR EACH ROW
    WHEN (OLD.state = 'running' AND NEW.state = 'succeeded')
    EXECUTE FUNCTION tell_of_key_rotation();

-- Gives the oldest events of the inbox their places. Whoever holds the head is alone: places have no gaps, and a place
-- that is read is never filled later. Answers how many were moved.
CREATE FUNCTION sequence_events(most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    moved bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM event_inbox) THEN
        RETURN 0;
    END IF;
    SELECT h.sequence INTO head FROM event_head h FOR UPDATE;
    WITH taken AS (
        DELETE FROM event_inbox WHERE id IN (SELECT i.id FROM event_inbox i ORDER BY i.id LIMIT most) RETURNING *
    )
    INSERT INTO events (sequence, type, at, tenant, provider, user_id, account, grant_id, generation, cause, dies_at,
                        registration, key_id, webhook_id)
    SELECT head + row_number() OVER (ORDER BY t.id), t.type, t.at, t.tenant, t.provider, t.user_id, t.account,
           t.grant_id, t.generation, t.cause, t.dies_at, t.registration, t.key_id, t.webhook_id
    FROM taken t;
    GET DIAGNOSTICS moved = ROW_COUNT;
    UPDATE event_head SET sequence = head + moved;
    RETURN moved;
END $$;

-- Forgets events made before a time, from the beginning of the log on: what is kept has no gaps.
CREATE FUNCTION prune_events(before bigint, most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    cut bigint;
    pruned_now bigint;
BEGIN
    SELECT coalesce(min(f.sequence) FILTER (WHERE f.at >= before) - 1, max(f.sequence)) INTO cut
    FROM (SELECT e.sequence, e.at FROM events e ORDER BY e.sequence LIMIT most) f;
    DELETE FROM events e WHERE e.sequence <= cut;
    GET DIAGNOSTICS pruned_now = ROW_COUNT;
    UPDATE event_head SET pruned = cut WHERE pruned < cut;
    RETURN pruned_now;
END $$;

-- A page of the log, after a place: events of one tenant and those of every tenant, or all (`*`). The first row tells
-- where the log begins and ends, and holds no event if there is none on the page. See 0020_isolation.sql for why an api
-- process reads it as the owner does.
CREATE FUNCTION events_after(of_tenant text, of_types text[], after bigint, most bigint) RETURNS TABLE (
    pruned bigint, newest bigint, sequence bigint, type text, at bigint, tenant text, provider text, user_id text,
    account text, grant_id uuid, generation bigint, cause text, dies_at bigint, registration text, key_id text,
    webhook_id uuid
) LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    RETURN QUERY
    SELECT h.pruned, h.sequence, p.*
    FROM event_head h
    LEFT JOIN LATERAL (
        SELECT e.sequence, e.type, e.at, e.tenant, e.provider, e.user_id, e.account, e.grant_id, e.generation, e.cause,
               e.dies_at, e.registration, e.key_id, e.webhook_id
        FROM events e
        WHERE e.sequence > after AND (of_tenant = '*' OR e.tenant IN (of_tenant, ''))
          AND (cardinality(of_types) = 0 OR e.type = ANY (of_types))
        ORDER BY e.sequence LIMIT most
    ) p ON true
    ORDER BY p.sequence;
    PERFORM set_config('token_broker.tenant', before, true);
END $$;

CREATE FUNCTION newest_event() RETURNS bigint LANGUAGE sql AS $$ SELECT sequence FROM event_head $$;

DO $$
DECLARE
    shared regprocedure;
BEGIN
    FOREACH shared IN ARRAY ARRAY['events_after(text, text[], bigint, bigint)', 'newest_event()']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', shared, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', shared);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO token_broker_api, token_broker_rotator', shared);
    END LOOP;
END $$;
