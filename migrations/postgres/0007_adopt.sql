-- Adopting: the compare-and-set that makes an answer the grant's token set.
--
-- Expand: everything here is new.

CREATE TYPE answer AS (
    n                integer,
    grant_id         uuid,
    tenant           text,
    provider         text,
    user_id          text,
    account          text,
    attempt          uuid,
    kind             text,
    authorization_id uuid,
    registration     text,
    lineage          uuid,
    generation       bigint,
    presentation_no  integer,
    owner            uuid,
    claimed_at       bigint,
    sent_at          bigint,
    -- When the user consented; NULL on the grant's present lineage.
    consented_at     bigint,
    base             bigint,
    access_token     bytea,
    refresh_token    bytea,
    token_type       text,
    scopes           text,
    api_base_url     text,
    issued_at        bigint,
    expires_at       bigint,
    dies_at          bigint,
    due_at           bigint,
    at               bigint,
    -- What becomes of tokens that a later consent replaces: 'revoke' or 'let_go'.
    replaced         text,
    authorization_ends_at bigint,
    refresh_token_timeout bigint,
    -- When the first notice of the end is due.
    first_notice_at  bigint,
    -- The grant has outlived its window, which was not known before.
    overruns_window  boolean,
    -- What is known of a lineage that begins.
    upstream_account   bytea,
    may_change_account boolean,
    token_fingerprint  bytea
);

-- Serialises consents of one grant, which may have no row to lock yet.
CREATE FUNCTION lock_consents(of_grant uuid) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(of_grant::text, 20260))
$$;

-- The generation an answer that wins must be sealed after; NULL if it does not win. Whether the attempt is still open,
-- and what phase or lifecycle the grant is in, does not matter: an answer that comes late is still the newest thing the
-- provider said. `r` is NULL where the grant has no row, `kept` where a fail-over has lost the attempt's.
CREATE FUNCTION winning_base(a answer, r grant_rotation, kept attempts) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    IF a.consented_at IS NOT NULL THEN
        -- The user's later consent stands: later by the order in which the store saw them, and by the clock only where
        -- this attempt's place in that order is lost.
        RETURN CASE WHEN NOT EXISTS (
            SELECT 1 FROM attempts l
            WHERE l.grant_id = a.grant_id AND l.kind <> 'refresh' AND l.adopted_generation IS NOT NULL
              AND CASE WHEN kept.id IS NULL THEN l.claimed_at > a.claimed_at ELSE l.number > kept.number END
        ) THEN coalesce(r.generation, 0) END;
    END IF;
    RETURN CASE
        WHEN r.lineage IS DISTINCT FROM a.lineage THEN NULL
        WHEN r.generation <= a.generation THEN a.generation
        -- A grace provider has answered one refresh token twice: its later answer holds.
        WHEN r.adopted_from_generation = a.generation AND r.adopted_from_presentation_no < a.presentation_no
            THEN r.generation
    END;
END $$;

-- Keeps an attempt whose row a fail-over has lost. Its number may have been given once more since; the row then takes
-- the next free one.
CREATE FUNCTION keep_adopted_again(a answer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    free integer := a.presentation_no;
BEGIN
    IF EXISTS (SELECT 1 FROM attempts o WHERE o.grant_id = a.grant_id AND o.generation = a.generation
                                          AND o.presentation_no = a.presentation_no) THEN
        free := next_presentation_no(a.grant_id, a.generation);
    END IF;
    INSERT INTO attempts (id, tenant, provider, user_id, account, grant_id, kind, authorization_id, registration,
                          lineage, generation, presentation_no, owner, claimed_at, sent_at, closed_at, conclusion,
                          adopted_generation)
    VALUES (a.attempt, a.tenant, a.provider, a.user_id, a.account, a.grant_id, a.kind, a.authorization_id,
            a.registration, a.lineage, a.generation, free, a.owner, a.claimed_at, a.sent_at, a.at, 'adopted',
            a.base + 1);
END $$;

-- The next set of the present lineage. Clears the failure.
CREATE FUNCTION renew_grant(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE grants SET
        token_type = a.token_type, scopes = a.scopes, api_base_url = coalesce(a.api_base_url, api_base_url),
        issued_at = a.issued_at, expires_at = a.expires_at, dies_at = a.dies_at, refreshed_at = a.at,
        authorization_ends_at = a.authorization_ends_at, refresh_token_timeout = a.refresh_token_timeout,
        notice_at = CASE WHEN a.first_notice_at IS NULL THEN NULL
                         WHEN authorization_ends_at = a.authorization_ends_at AND notice_at IS NOT NULL THEN notice_at
                         -- Which of the notices are given already shows when it is looked at.
                         ELSE a.first_notice_at END,
        failure_kind = NULL, failure_at = NULL, failure_since = NULL, failure_in_a_row = NULL,
        failure_oauth_error = NULL, failure_http_status = NULL
    WHERE id = a.grant_id;
END $$;

-- The first set of a new lineage: nothing of the old one stays but id and age.
CREATE FUNCTION replace_grant(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO grants (id, tenant, provider, user_id, account, registration, token_type, scopes, api_base_url,
                        issued_at, expires_at, consented_at, dies_at, authorization_ends_at, refresh_token_timeout,
                        notice_at, created_at)
    VALUES (a.grant_id, a.tenant, a.provider, a.user_id, a.account, a.registration, a.token_type, a.scopes,
            a.api_base_url, a.issued_at, a.expires_at, a.consented_at, a.dies_at, a.authorization_ends_at,
            a.refresh_token_timeout, a.first_notice_at, a.at)
    ON CONFLICT (id) DO UPDATE SET
        registration = excluded.registration, token_type = excluded.token_type, scopes = excluded.scopes,
        api_base_url = excluded.api_base_url, issued_at = excluded.issued_at, expires_at = excluded.expires_at,
        consented_at = excluded.consented_at, dies_at = excluded.dies_at, refreshed_at = NULL,
        authorization_ends_at = excluded.authorization_ends_at,
        refresh_token_timeout = excluded.refresh_token_timeout, notice_at = excluded.notice_at, noticed = NULL,
        revoked_at = NULL, revocation = NULL,
        failure_kind = NULL, failure_at = NULL, failure_since = NULL, failure_in_a_row = NULL,
        failure_oauth_error = NULL, failure_http_status = NULL;
END $$;

-- Clears the taint, and revives a grant given up.
CREATE FUNCTION advance_rotation(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO grant_rotation (grant_id, tenant, provider, lineage, generation, lifecycle, phase, tainted, due_at,
                                adopted_from_generation, adopted_from_presentation_no, updated_at)
    VALUES (a.grant_id, a.tenant, a.provider, a.lineage, a.base + 1, 'active', 'idle', false, a.due_at,
            a.generation, a.presentation_no, a.at)
    ON CONFLICT (grant_id) DO UPDATE SET
        lineage = excluded.lineage, generation = excluded.generation, lifecycle = excluded.lifecycle,
        consent_cause = NULL, phase = excluded.phase, tainted = excluded.tainted, due_at = excluded.due_at,
        adopted_from_generation = excluded.adopted_from_generation,
        adopted_from_presentation_no = excluded.adopted_from_presentation_no, updated_at = excluded.updated_at;
END $$;

-- Within a lineage, an answer without a refresh token keeps the old one, sealed as it is (RFC 6749 §6). A new lineage
-- never keeps one: the old token belongs to another authorization.
CREATE FUNCTION keep_secrets(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO grant_secrets AS s (grant_id, tenant, access_token, refresh_token, refresh_token_generation)
    VALUES (a.grant_id, a.tenant, a.access_token, a.refresh_token,
            CASE WHEN a.refresh_token IS NOT NULL THEN a.base + 1 END)
    ON CONFLICT (grant_id) DO UPDATE SET
        access_token = excluded.access_token,
        refresh_token = CASE WHEN a.consented_at IS NULL AND a.refresh_token IS NULL
                             THEN s.refresh_token ELSE excluded.refresh_token END,
        refresh_token_generation = CASE WHEN a.consented_at IS NULL AND a.refresh_token IS NULL
                                        THEN s.refresh_token_generation ELSE excluded.refresh_token_generation END;
END $$;

-- Any other refresh that was claimed and not yet sent holds a token which now has a successor. Sending it could cost
-- the whole family (RFC 9700 §4.14.2), so it is closed here and its SENT will be refused. One of another lineage is
-- closed even if it was sent: its answer cannot be adopted any more, and left open it would block the new lineage.
CREATE FUNCTION close_overtaken(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE attempts SET closed_at = a.at, conclusion = 'superseded'
    WHERE grant_id = a.grant_id AND id <> a.attempt AND kind = 'refresh' AND closed_at IS NULL
      AND (sent_at IS NULL OR lineage <> a.lineage);
END $$;

-- Records that the answer came to nothing. An attempt concluded before keeps its conclusion.
CREATE FUNCTION supersede(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE attempts SET closed_at = a.at, conclusion = 'superseded' WHERE id = a.attempt AND closed_at IS NULL;
    UPDATE authorizations SET status = 'failed', failure = 'superseded', settled_at = a.at
    WHERE tenant = a.tenant AND id = a.authorization_id AND status = 'exchanging';
END $$;

-- One record of every adopted answer; `adopted` has their numbers.
CREATE FUNCTION audit_adoptions(answers answer[], adopted integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_inbox (tenant, at, action, provider, user_id, account, resource, generation, outcome, reason,
                             purpose)
    SELECT q.tenant, q.at, CASE WHEN q.consented_at IS NULL THEN 'rotate' ELSE 'consent' END, q.provider, q.user_id,
           q.account, 'attempts/' || q.attempt, q.base + 1, 'succeeded', '', ''
    FROM unnest(answers) q WHERE q.n = ANY (adopted);
END $$;

-- The registration works: whatever its pause was for is over.
CREATE FUNCTION end_registration_pause(a answer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registration_pauses SET ended_at = a.at
    WHERE tenant = a.tenant AND provider = a.provider AND registration = a.registration AND ended_at IS NULL;
    IF FOUND THEN
        PERFORM audit_resource(a.tenant, a.provider, 'recover_registration',
                               concat_ws('/', 'registrations', a.provider, a.registration), a.at);
        PERFORM tell_of_registration('registration.recovered', a.tenant, a.provider, a.registration, a.at);
    END IF;
END $$;

-- `detail` is the generation the outcome names. The caller holds the locks.
CREATE FUNCTION adopt_locked(a answer, OUT outcome text, OUT detail bigint) LANGUAGE plpgsql AS $$
DECLARE
    kept attempts;
    r grant_rotation;
    wanted bigint;
BEGIN
    SELECT * INTO kept FROM attempts WHERE id = a.attempt;
    IF kept.id IS NOT NULL AND (kept.tenant, kept.grant_id, kept.lineage, kept.generation)
                               <> (a.tenant, a.grant_id, a.lineage, a.generation) THEN
        outcome := 'misfit';
        RETURN;
    END IF;
    IF kept.adopted_generation IS NOT NULL THEN
        outcome := 'already_adopted';
        detail := kept.adopted_generation;
        RETURN;
    END IF;
    IF kept.conclusion IN ('account_changed', 'duplicate_token') THEN
        outcome := kept.conclusion;
        RETURN;
    END IF;
    SELECT * INTO r FROM grant_rotation WHERE grant_id = a.grant_id AND tenant = a.tenant;
    IF is_overruled(a, r, kept) THEN
        PERFORM revoke_answer(a);
        outcome := 'revoking';
        RETURN;
    END IF;
    wanted := winning_base(a, r, kept);
    IF wanted IS NULL THEN
        PERFORM supersede(a);
        IF a.replaced = 'revoke' AND r.lineage <> a.lineage THEN
            PERFORM keep_for_revocation(a);
        END IF;
        outcome := 'superseded';
        RETURN;
    END IF;
    outcome := refuse_origin(a, r);
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;
    IF wanted <> a.base THEN
        outcome := 'moved';
        detail := wanted;
        RETURN;
    END IF;
    IF a.consented_at IS NULL THEN
        PERFORM renew_grant(a);
    ELSE
        PERFORM give_up_replaced(a);
        PERFORM replace_grant(a);
        -- Whatever the authorization was marked as meanwhile: it has made its grant.
        UPDATE authorizations SET status = 'completed', failure = NULL, settled_at = a.at
        WHERE tenant = a.tenant AND id = a.authorization_id;
    END IF;
    PERFORM advance_rotation(a);
    PERFORM keep_secrets(a);
    IF a.consented_at IS NOT NULL THEN
        PERFORM keep_origin(a);
    END IF;
    PERFORM close_overtaken(a);
    IF kept.id IS NULL THEN
        PERFORM keep_adopted_again(a);
    ELSE
        UPDATE attempts SET adopted_generation = a.base + 1, conclusion = 'adopted',
                            closed_at = coalesce(closed_at, a.at)
        WHERE id = a.attempt;
    END IF;
    PERFORM end_registration_pause(a);
    IF a.overruns_window THEN
        PERFORM audit_grant(a.tenant, a.provider, a.user_id, a.account, 'overrun_window', a.base + 1,
                            'attempts/' || a.attempt, a.at);
    END IF;
    outcome := 'adopted';
    detail := a.base + 1;
END $$;

CREATE FUNCTION adopt_answers(answers answer[]) RETURNS TABLE (n integer, outcome text, detail bigint)
LANGUAGE plpgsql AS $$
DECLARE
    a answer;
    adopted integer[] := '{}';
BEGIN
    PERFORM lock_consents(c.grant_id)
    FROM (SELECT q.grant_id FROM unnest(answers) q WHERE q.consented_at IS NOT NULL ORDER BY q.grant_id) c;
    -- What became of an answer is never undone, so one that was adopted before needs no lock. A journal that is replayed
    -- is full of those, and a lock is a write that a start would wait for.
    PERFORM 1 FROM grant_rotation r
    WHERE r.grant_id IN (SELECT q.grant_id FROM unnest(answers) q
                         WHERE NOT EXISTS (SELECT 1 FROM attempts t
                                           WHERE t.id = q.attempt AND t.adopted_generation IS NOT NULL))
    ORDER BY r.grant_id FOR UPDATE;
    FOREACH a IN ARRAY answers LOOP
        n := a.n;
        SELECT d.outcome, d.detail INTO outcome, detail FROM adopt_locked(a) d;
        IF outcome = 'adopted' THEN
            adopted := adopted || n;
        END IF;
        RETURN NEXT;
    END LOOP;
    -- All at once: adopting is what the broker writes most.
    PERFORM audit_adoptions(answers, adopted);
END $$;
