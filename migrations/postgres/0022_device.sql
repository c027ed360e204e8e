-- Device authorizations (RFC 8628): how each is polled. The authorization itself, and what becomes of it, stand in
-- `authorizations`; a row goes when there is nothing to poll for any more.
--
-- Expand: everything here is new.

CREATE TABLE device_authorizations (
    authorization_id uuid    PRIMARY KEY REFERENCES authorizations (id) ON DELETE CASCADE,
    tenant           text COLLATE "C" NOT NULL,
    device_code      bytea   NOT NULL,
    -- In milliseconds. It only grows.
    poll_interval    bigint  NOT NULL CHECK (poll_interval > 0),
    -- Never before this: a poll that is begun moves it on, so that of several brokers one polls.
    next_poll_at     bigint  NOT NULL,
    -- Polls in a row that were not answered.
    failures         integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    -- The answer to a poll was lost, and it may have been the one with the tokens.
    answer_lost      boolean NOT NULL DEFAULT false,
    -- The last poll.
    attempt_id       uuid
);

CREATE INDEX device_authorizations_due ON device_authorizations (next_poll_at);
-- A rotation of data keys walks a tenant's rows in the order of their ids.
CREATE INDEX device_authorizations_of_tenant ON device_authorizations (tenant, authorization_id);

CALL isolate_tenants('device_authorizations', 'tenant');
GRANT SELECT, INSERT, UPDATE, DELETE ON device_authorizations TO token_broker_rotator;

-- After a poll without tokens the authorization is pending again, unless its grant or tenant was revoked meanwhile.
CREATE FUNCTION reopen_polled(of_tenant text, of_authorization uuid, polled uuid, reopen_at bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    revoked boolean := EXISTS (SELECT 1 FROM attempts a WHERE a.id = polled AND a.revoked_at IS NOT NULL)
                    OR EXISTS (SELECT 1 FROM tenant_deletions d WHERE d.tenant = of_tenant);
BEGIN
    UPDATE authorizations SET status = 'pending'
    WHERE tenant = of_tenant AND id = of_authorization AND status = 'exchanging';
    UPDATE authorizations SET status = 'failed', failure = 'revoked', settled_at = reopen_at
    WHERE tenant = of_tenant AND id = of_authorization AND status = 'pending' AND revoked;
END $$;

-- The attempt that polls. No row: it is not time, another broker is at it, or there is nothing to poll for any more, and
-- then the row is gone. A poll whose broker has died gives way to this one.
CREATE FUNCTION claim_poll(of_tenant text, of_authorization uuid, new_attempt uuid, new_owner uuid, claim_at bigint,
                           hold_until bigint)
RETURNS SETOF attempts LANGUAGE plpgsql AS $$
DECLARE
    d device_authorizations;
    before attempts;
BEGIN
    SELECT * INTO d FROM device_authorizations
    WHERE authorization_id = of_authorization AND tenant = of_tenant AND next_poll_at <= claim_at
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE attempts a SET closed_at = claim_at,
                          conclusion = CASE WHEN a.sent_at IS NULL THEN 'unsent' ELSE 'uncertain' END
    WHERE a.id = d.attempt_id AND a.closed_at IS NULL
    RETURNING * INTO before;
    IF FOUND THEN
        d.answer_lost := d.answer_lost OR before.sent_at IS NOT NULL;
        PERFORM reopen_polled(of_tenant, of_authorization, before.id, claim_at);
    END IF;
    UPDATE authorizations SET status = 'failed', failure = 'uncertain', settled_at = claim_at
    WHERE tenant = of_tenant AND id = of_authorization AND status = 'pending' AND expires_at <= claim_at
      AND d.answer_lost;
    RETURN QUERY SELECT * FROM claim_exchange(of_tenant, of_authorization, new_attempt, new_owner, claim_at);
    IF NOT FOUND THEN
        DELETE FROM device_authorizations WHERE authorization_id = of_authorization;
        RETURN;
    END IF;
    UPDATE device_authorizations SET next_poll_at = hold_until, attempt_id = new_attempt, answer_lost = d.answer_lost
    WHERE authorization_id = of_authorization;
END $$;
