-- Webhooks: where tenants have their events sent, and how far each has come.
--
-- Expand: everything here is new.

CREATE TABLE webhooks (
    id                  uuid    PRIMARY KEY,
    tenant              text COLLATE "C" NOT NULL REFERENCES tenants (id),
    url                 text    NOT NULL,
    -- Names of event types, with spaces between them; empty for all.
    types               text    NOT NULL,
    description         text    NOT NULL,
    state               text    NOT NULL CHECK (state IN ('enabled', 'disabled', 'failed')),
    -- The secret there is has this number, and the old one the number before.
    secret_number       integer NOT NULL CHECK (secret_number > 0),
    secret              bytea   NOT NULL,
    old_secret          bytea,
    old_secret_until    bigint,
    -- Every event of the log up to this place is accepted, or was not to be sent.
    delivered           bigint  NOT NULL,
    -- What is sent again, before anything else: events after the first place, up to the last.
    redeliver_after     bigint,
    redeliver_through   bigint,
    -- Nothing is sent before.
    next_at             bigint  NOT NULL,
    -- Who delivers, and until when nobody else does.
    claim               uuid,
    held_until          bigint  NOT NULL DEFAULT 0,
    -- Deliveries that failed in a row.
    failures            integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failing_since       bigint,
    last_success_at     bigint,
    last_failure_at     bigint,
    last_failure        text,
    last_failure_status integer,
    created_at          bigint  NOT NULL,
    updated_at          bigint  NOT NULL,
    version             bigint  NOT NULL,
    CHECK (num_nulls(old_secret, old_secret_until) IN (0, 2)),
    CHECK (num_nulls(redeliver_after, redeliver_through) IN (0, 2))
);

-- Lists have their order from it.
CREATE INDEX webhooks_of_tenant ON webhooks (tenant, id);
CREATE INDEX webhooks_due ON webhooks (next_at) WHERE state = 'enabled';

CALL isolate_tenants('webhooks', 'tenant');

-- Rotators deliver, and seal secrets anew. What operators ask of the log is read by them too.
GRANT SELECT, UPDATE ON webhooks TO token_broker_rotator;
-- Operators put them in and never read a secret back.
GRANT SELECT (id, tenant, url, types, description, state, delivered, version), INSERT, UPDATE, DELETE
    ON webhooks TO token_broker_admin;
GRANT SELECT ON event_head TO token_broker_admin;

-- How many events wait for a webhook.
CREATE FUNCTION pending_events(w webhooks) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM events e
    WHERE e.tenant IN (w.tenant, '') AND (w.types = '' OR e.type = ANY (string_to_array(w.types, ' ')))
      AND (e.sequence > w.delivered AND w.state = 'enabled'
           OR e.sequence > w.redeliver_after AND e.sequence <= w.redeliver_through)
$$;

-- The place before the next event to be sent, or the newest one's where none waits: all before is done with, though the row
-- may not say so yet. It sees as its owner does, as operators read no events.
CREATE FUNCTION next_of_webhook(of_tenant text, of_types text, delivered bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting('token_broker.tenant', true);
    place bigint;
BEGIN
    PERFORM set_config('token_broker.tenant', '*', true);
    SELECT coalesce(min(e.sequence) - 1, (SELECT h.sequence FROM event_head h)) INTO place
    FROM events e
    WHERE e.tenant IN (of_tenant, '') AND e.sequence > delivered
      AND (of_types = '' OR e.type = ANY (string_to_array(of_types, ' ')));
    PERFORM set_config('token_broker.tenant', before, true);
    RETURN place;
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION next_of_webhook(text, text, bigint) SECURITY DEFINER SET search_path = %I, pg_temp',
                   current_schema());
    REVOKE ALL ON FUNCTION next_of_webhook(text, text, bigint) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION next_of_webhook(text, text, bigint) TO token_broker_admin, token_broker_rotator;
END $$;
