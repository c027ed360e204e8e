-- Token sets that are to be revoked at their provider (rule 12 of docs/rotation.md). A row outlives the tokens in it: an
-- answer that is replayed from a journal finds that it was dealt with.
--
-- Expand: everything here is new. Adopting (0007) calls what stands here.

CREATE TABLE revocations (
    id                       uuid   PRIMARY KEY DEFAULT gen_random_uuid(),
    grant_id                 uuid   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    tenant                   text COLLATE "C" NOT NULL,
    registration             text COLLATE "C" NOT NULL,
    lineage                  uuid   NOT NULL,
    -- The attempt the tokens answer; NULL for a set which the grant held.
    attempt                  uuid   UNIQUE,
    -- The access token is sealed for it.
    generation               bigint NOT NULL CHECK (generation >= 1),
    refresh_token_generation bigint CHECK (refresh_token_generation >= 1),
    access_token             bytea,
    refresh_token            bytea,
    created_at               bigint NOT NULL,
    -- When to try next; NULL once it has ended.
    due_at                   bigint,
    -- The last try, if it failed.
    failure_kind             text,
    failure_at               bigint,
    failure_since            bigint,
    failure_in_a_row         bigint,
    ended_at                 bigint,
    outcome                  text   CHECK (outcome IN ('revoked', 'not_supported', 'refused', 'let_go')),
    CHECK (num_nulls(failure_kind, failure_at, failure_since, failure_in_a_row) IN (0, 4)),
    CHECK (num_nulls(ended_at, outcome) IN (0, 2)),
    -- What has ended is erased.
    CHECK ((ended_at IS NULL) = (due_at IS NOT NULL AND access_token IS NOT NULL)),
    CHECK (ended_at IS NULL OR num_nonnulls(due_at, access_token, refresh_token) = 0),
    CHECK ((refresh_token IS NULL) = (refresh_token_generation IS NULL))
);

CREATE INDEX revocations_due ON revocations (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX revocations_pending ON revocations (grant_id) WHERE ended_at IS NULL;
CREATE INDEX revocations_ended ON revocations (ended_at) WHERE ended_at IS NOT NULL;

-- Keeps the tokens that some grants hold, to be revoked. They stay sealed as they are.
CREATE FUNCTION keep_held_tokens(of_grants uuid[], keep_at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revocations (grant_id, tenant, registration, lineage, generation, refresh_token_generation,
                             access_token, refresh_token, created_at, due_at)
    SELECT g.id, g.tenant, g.registration, r.lineage, r.generation, s.refresh_token_generation, s.access_token,
           s.refresh_token, keep_at, keep_at
    FROM grants g JOIN grant_rotation r ON r.grant_id = g.id JOIN grant_secrets s ON s.grant_id = g.id
    WHERE g.id = ANY (of_grants) AND s.access_token IS NOT NULL;
END $$;

-- Keeps the tokens of an answer, to be revoked. `false`: they were kept before.
CREATE FUNCTION keep_for_revocation(a answer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revocations (grant_id, tenant, registration, lineage, attempt, generation, refresh_token_generation,
                             access_token, refresh_token, created_at, due_at)
    VALUES (a.grant_id, a.tenant, a.registration, a.lineage, a.attempt, a.base + 1,
            CASE WHEN a.refresh_token IS NOT NULL THEN a.base + 1 END, a.access_token, a.refresh_token, a.at, a.at)
    ON CONFLICT (attempt) DO NOTHING;
    RETURN FOUND;
END $$;

-- Whether the grant was revoked after the answered attempt was claimed. A consent that was claimed after it is a new one.
CREATE FUNCTION is_overruled(a answer, r grant_rotation, kept attempts) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce(r.lifecycle IN ('revoking', 'revoked'), false) AND CASE
        WHEN a.consented_at IS NULL THEN true
        WHEN kept.id IS NOT NULL THEN kept.revoked_at IS NOT NULL
        -- A fail-over has lost the attempt: only the clock knows.
        ELSE a.claimed_at <= (SELECT g.revoked_at FROM grants g WHERE g.id = a.grant_id)
    END;
END $$;

-- Revoke wins: the answer's tokens are revoked too, and the grant is revoking again.
CREATE FUNCTION revoke_answer(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF keep_for_revocation(a) THEN
        UPDATE grant_rotation SET lifecycle = 'revoking', updated_at = a.at WHERE grant_id = a.grant_id;
        UPDATE grants SET revocation = NULL WHERE id = a.grant_id;
        PERFORM audit_grant(a.tenant, a.provider, a.user_id, a.account, 'revoke_answer', NULL,
                            'attempts/' || a.attempt, a.at);
    END IF;
    UPDATE attempts SET closed_at = coalesce(closed_at, a.at), conclusion = 'revoked' WHERE id = a.attempt;
    UPDATE authorizations SET status = 'failed', failure = 'revoked', settled_at = a.at
    WHERE tenant = a.tenant AND id = a.authorization_id AND status = 'exchanging';
END $$;

-- Gives up what of earlier lineages still waits to be revoked; a record for each token set.
CREATE FUNCTION let_go(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        UPDATE revocations SET access_token = NULL, refresh_token = NULL, refresh_token_generation = NULL,
                               due_at = NULL, ended_at = a.at, outcome = 'let_go'
        WHERE grant_id = a.grant_id AND ended_at IS NULL RETURNING id
    )
    INSERT INTO audit_inbox (tenant, at, action, provider, user_id, account, resource, outcome, reason, purpose)
    SELECT a.tenant, a.at, 'let_go', a.provider, a.user_id, a.account, 'revocations/' || gone.id, 'succeeded', '', ''
    FROM gone;
END $$;

-- What a new consent replaces (rule 13): revoked where that does not reach the new one; else let go, with what of earlier
-- lineages still waited to be revoked.
CREATE FUNCTION give_up_replaced(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF a.replaced = 'revoke' THEN
        PERFORM keep_held_tokens(ARRAY[a.grant_id], a.at);
    ELSE
        PERFORM let_go(a);
    END IF;
END $$;

-- Revokes grants, durably: their tokens leave them here. Answers those that were not revoked before.
CREATE FUNCTION revoke_grants(of_grants uuid[], of_tenants text[], revoke_at bigint) RETURNS SETOF uuid
LANGUAGE plpgsql AS $$
DECLARE
    named uuid[];
    fresh uuid[];
BEGIN
    PERFORM 1 FROM grant_rotation r WHERE r.grant_id = ANY (of_grants) ORDER BY r.grant_id FOR UPDATE;
    SELECT coalesce(array_agg(r.grant_id), '{}'),
           coalesce(array_agg(r.grant_id) FILTER (WHERE r.lifecycle NOT IN ('revoking', 'revoked')), '{}')
    INTO named, fresh
    FROM grant_rotation r JOIN unnest(of_grants, of_tenants) q (grant_id, tenant)
         ON r.grant_id = q.grant_id AND r.tenant = q.tenant;
    PERFORM keep_held_tokens(fresh, revoke_at);
    UPDATE grant_secrets SET access_token = NULL, refresh_token = NULL, refresh_token_generation = NULL
    WHERE grant_id = ANY (fresh);
    UPDATE grant_rotation SET lifecycle = 'revoking', consent_cause = NULL, phase = 'idle', due_at = NULL,
                              updated_at = revoke_at
    WHERE grant_id = ANY (fresh);
    UPDATE grants SET revocation = NULL, failure_kind = NULL, failure_at = NULL, failure_since = NULL,
                      failure_in_a_row = NULL, failure_oauth_error = NULL, failure_http_status = NULL
    WHERE id = ANY (fresh);
    -- A second call reaches what was begun since the first.
    UPDATE grants SET revoked_at = revoke_at WHERE id = ANY (named);
    UPDATE attempts SET revoked_at = revoke_at
    WHERE grant_id = ANY (named) AND adopted_generation IS NULL AND revoked_at IS NULL;
    -- Not one byte of these was written, and none will be: their SENT is refused.
    UPDATE authorizations z SET status = 'failed', failure = 'revoked', settled_at = revoke_at
    FROM attempts a
    WHERE a.grant_id = ANY (named) AND a.closed_at IS NULL AND a.sent_at IS NULL
      AND z.tenant = a.tenant AND z.id = a.authorization_id AND z.status = 'exchanging';
    UPDATE attempts SET closed_at = revoke_at, conclusion = 'revoked'
    WHERE grant_id = ANY (named) AND closed_at IS NULL AND sent_at IS NULL;
    RETURN QUERY SELECT unnest(fresh);
END $$;

-- A revoking grant is revoked with the last of its token sets. `true`: it is, thereby.
CREATE FUNCTION end_revoking(of_grant uuid, of_tenant text, ended_as text, end_at bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE grant_rotation SET lifecycle = 'revoked', updated_at = end_at
    WHERE grant_id = of_grant AND tenant = of_tenant AND lifecycle = 'revoking'
      AND NOT EXISTS (SELECT 1 FROM revocations p WHERE p.grant_id = of_grant AND p.ended_at IS NULL);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE grants SET revocation = ended_as WHERE id = of_grant;
    RETURN true;
END $$;

-- Erases a token set. `true`: it was the last one of a revoking grant, which thereby is revoked.
CREATE FUNCTION end_revocation(of_revocation uuid, of_grant uuid, of_tenant text, ended_as text, end_at bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    grant_revoked boolean;
BEGIN
    PERFORM 1 FROM grant_rotation r WHERE r.grant_id = of_grant AND r.tenant = of_tenant FOR UPDATE;
    UPDATE revocations SET access_token = NULL, refresh_token = NULL, refresh_token_generation = NULL,
                           due_at = NULL, ended_at = end_at, outcome = ended_as
    WHERE id = of_revocation AND grant_id = of_grant AND tenant = of_tenant AND ended_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    grant_revoked := end_revoking(of_grant, of_tenant, ended_as, end_at);
    PERFORM audit_grant(k.tenant, k.provider, k.user_id, k.account,
                        CASE WHEN grant_revoked THEN 'revoke' ELSE 'revoke_tokens' END, NULL,
                        concat_ws('/', 'revocations', of_revocation, ended_as), end_at)
    FROM grants k WHERE k.id = of_grant;
    RETURN grant_revoked;
END $$;

-- Moves the next try, and notes the failure of this one if there was one; on the grant too, while that is revoking.
CREATE FUNCTION put_off_revocation(
    of_revocation uuid, of_grant uuid, of_tenant text, until bigint, kind text, failed_at bigint, failed_since bigint,
    failed_in_a_row bigint, oauth_error text, http_status integer
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM grant_rotation r WHERE r.grant_id = of_grant AND r.tenant = of_tenant FOR UPDATE;
    UPDATE revocations SET due_at = until, failure_kind = coalesce(kind, failure_kind),
                           failure_at = coalesce(failed_at, failure_at),
                           failure_since = coalesce(failed_since, failure_since),
                           failure_in_a_row = coalesce(failed_in_a_row, failure_in_a_row)
    WHERE id = of_revocation AND grant_id = of_grant AND tenant = of_tenant AND ended_at IS NULL;
    IF NOT FOUND OR kind IS NULL THEN
        RETURN;
    END IF;
    UPDATE grants g SET failure_kind = kind, failure_at = failed_at, failure_since = failed_since,
                        failure_in_a_row = failed_in_a_row, failure_oauth_error = oauth_error,
                        failure_http_status = http_status
    FROM grant_rotation r WHERE g.id = of_grant AND r.grant_id = g.id AND r.lifecycle = 'revoking';
END $$;
