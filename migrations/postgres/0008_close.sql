-- Using an authorization's state, and closing attempts that brought no tokens.
--
-- Expand: everything here is new.

-- The attempt that exchanges the code; no row if the authorization is not pending or late, or its registration deleted.
CREATE FUNCTION claim_exchange(of_tenant text, of_authorization uuid, new_attempt uuid, new_owner uuid, claim_at bigint)
RETURNS SETOF attempts LANGUAGE plpgsql AS $$
DECLARE
    z authorizations;
    present bigint;
BEGIN
    -- Whoever deletes the registration waits for this, and then finds the attempt open.
    PERFORM 1 FROM authorizations a
    JOIN client_registrations c ON c.tenant = a.tenant AND c.provider = a.provider AND c.id = a.registration
    WHERE a.tenant = of_tenant AND a.id = of_authorization AND c.deleted_at IS NULL
    FOR SHARE OF c;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- Tests and sets: of any number of redirects with one state, one gets the row.
    UPDATE authorizations SET status = 'exchanging'
    WHERE tenant = of_tenant AND id = of_authorization AND status = 'pending' AND expires_at > claim_at
    RETURNING * INTO z;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM lock_consents(z.grant_id);
    SELECT r.generation INTO present FROM grant_rotation r WHERE r.grant_id = z.grant_id FOR UPDATE;
    present := coalesce(present, 0);
    RETURN QUERY
    INSERT INTO attempts (id, tenant, provider, user_id, account, grant_id, kind, authorization_id, registration,
                          lineage, generation, presentation_no, owner, claimed_at)
    VALUES (new_attempt, z.tenant, z.provider, z.user_id, z.account, z.grant_id, 'code_exchange', z.id, z.registration,
            z.lineage, present, next_presentation_no(z.grant_id, present), new_owner, claim_at)
    RETURNING *;
END $$;

CREATE TYPE attempt_end AS (
    grant_id              uuid,
    tenant                text,
    provider              text,
    attempt               uuid,
    authorization_id      uuid,
    registration          text,
    lineage               uuid,
    generation            bigint,
    conclusion            text,
    authorization_failure text,
    provably_unsent       boolean,
    pause_until           bigint,
    refused_secret        integer,
    reopens_authorization boolean,
    at                    bigint
);

-- What becomes of the grant; its lifecycle is NULL where the grant is left alone.
CREATE TYPE grant_after AS (
    lifecycle           text,
    consent_cause       text,
    phase               text,
    tainted             boolean,
    due_at              bigint,
    failure_kind        text,
    failure_at          bigint,
    failure_since       bigint,
    failure_in_a_row    bigint,
    failure_oauth_error text,
    failure_http_status integer
);

-- Whether the attempt's end gives the grant up that was not given up, or not for this cause.
CREATE FUNCTION is_given_up(e attempt_end, g grant_after) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN g.lifecycle IN ('needs_consent', 'consent_expired') AND EXISTS (
        SELECT 1 FROM grant_rotation r
        WHERE r.grant_id = e.grant_id
          AND (r.lifecycle, r.consent_cause) IS DISTINCT FROM (g.lifecycle, g.consent_cause));
END $$;

CREATE FUNCTION audit_giving_up(e attempt_end, g grant_after) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit_grant(k.tenant, k.provider, k.user_id, k.account,
                        CASE g.lifecycle WHEN 'needs_consent' THEN 'need_consent' ELSE 'expire' END, NULL,
                        coalesce(g.consent_cause, ''), e.at)
    FROM grants k WHERE k.id = e.grant_id;
END $$;

-- Touches the grant only where the attempt found it: a later token set or another lineage owes nothing to an attempt
-- that came before. A revoked grant stays so. The taint is kept if it was there, the failure if there is no new one.
CREATE FUNCTION leave_behind(e attempt_end, g grant_after) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given_up boolean := is_given_up(e, g);
BEGIN
    UPDATE grant_rotation SET
        lifecycle = g.lifecycle, consent_cause = g.consent_cause, phase = g.phase, tainted = tainted OR g.tainted,
        due_at = g.due_at, updated_at = e.at
    WHERE grant_id = e.grant_id AND tenant = e.tenant AND lineage = e.lineage AND generation = e.generation
      AND lifecycle NOT IN ('revoking', 'revoked');
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF given_up THEN
        PERFORM audit_giving_up(e, g);
    END IF;
    IF g.failure_kind IS NOT NULL THEN
        UPDATE grants SET
            failure_kind = g.failure_kind, failure_at = g.failure_at, failure_since = g.failure_since,
            failure_in_a_row = g.failure_in_a_row, failure_oauth_error = g.failure_oauth_error,
            failure_http_status = g.failure_http_status
        WHERE id = e.grant_id;
    END IF;
END $$;

CREATE FUNCTION step_back(e attempt_end) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before client_secrets;
BEGIN
    SELECT * INTO before FROM client_secrets s
    WHERE s.tenant = e.tenant AND s.provider = e.provider AND s.registration = e.registration
      AND s.number = e.refused_secret
    FOR NO KEY UPDATE;
    UPDATE client_secrets s SET refused_at = e.at
    WHERE s.tenant = e.tenant AND s.provider = e.provider AND s.registration = e.registration
      AND s.number = e.refused_secret;
    IF FOUND AND before.refused_at IS NULL THEN
        PERFORM audit_resource(e.tenant, e.provider, 'refuse_secret',
                               concat_ws('/', 'registrations', e.provider, e.registration, 'secrets', e.refused_secret),
                               e.at);
    END IF;
END $$;

-- Begins or renews the pause.
CREATE FUNCTION pause_registration(e attempt_end) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    refusals integer;
BEGIN
    INSERT INTO registration_pauses AS p (tenant, provider, registration, paused_at, canary_at, times)
    VALUES (e.tenant, e.provider, e.registration, e.at, e.pause_until, 1)
    ON CONFLICT (tenant, provider, registration) DO UPDATE SET
        canary_at = excluded.canary_at, ended_at = NULL,
        times = CASE WHEN p.ended_at IS NULL THEN p.times + 1 ELSE 1 END
    RETURNING p.times INTO refusals;
    IF refusals = 1 THEN
        PERFORM audit_resource(e.tenant, e.provider, 'pause_registration',
                               concat_ws('/', 'registrations', e.provider, e.registration), e.at);
        PERFORM tell_of_registration('registration.rejected', e.tenant, e.provider, e.registration, e.at);
    END IF;
END $$;

-- What the refusal of a client leaves of its registration: the secret steps back behind those that were not refused. The
-- registration rests, or another secret is tried at once, and then a rest there is lets that claim pass.
CREATE FUNCTION refuse_client(e attempt_end) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF e.refused_secret IS NOT NULL THEN
        PERFORM step_back(e);
    END IF;
    IF e.pause_until IS NOT NULL THEN
        PERFORM pause_registration(e);
    ELSIF e.refused_secret IS NOT NULL THEN
        UPDATE registration_pauses p SET canary_at = least(p.canary_at, e.at)
        WHERE p.tenant = e.tenant AND p.provider = e.provider AND p.registration = e.registration;
    END IF;
END $$;

-- `false`: the attempt was closed before, or is not there.
CREATE FUNCTION close_attempt(e attempt_end, g grant_after, unread unread_answers) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM grant_rotation r WHERE r.grant_id = e.grant_id FOR UPDATE;
    UPDATE attempts SET closed_at = e.at, conclusion = e.conclusion,
                        sent_at = CASE WHEN NOT e.provably_unsent THEN sent_at END
    WHERE id = e.attempt AND tenant = e.tenant AND grant_id = e.grant_id AND closed_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF unread.body IS NOT NULL THEN
        INSERT INTO unread_answers VALUES (unread.*);
    END IF;
    PERFORM refuse_client(e);
    IF g.lifecycle IS NOT NULL THEN
        PERFORM leave_behind(e, g);
    END IF;
    -- Unless it was settled otherwise.
    UPDATE authorizations SET status = 'failed', failure = e.authorization_failure, settled_at = e.at
    WHERE tenant = e.tenant AND id = e.authorization_id AND status = 'exchanging'
      AND e.authorization_failure IS NOT NULL;
    -- The code was not looked at: it may be shown once more, under an attempt of its own.
    UPDATE authorizations SET status = 'pending'
    WHERE tenant = e.tenant AND id = e.authorization_id AND status = 'exchanging' AND e.reopens_authorization;
    RETURN true;
END $$;
