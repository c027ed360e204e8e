-- Claims: opening a refresh attempt, one statement for any number of grants.
--
-- PL/pgSQL throughout: it keeps a statement's plan, where a function in SQL would plan anew at every call. Each
-- statement of these functions sees what was committed before it began (READ COMMITTED), so what is read after a
-- grant's row is locked is the latest.
--
-- Expand: everything here is new.

CREATE TYPE refresh_claim AS (
    n            integer,
    grant_id     uuid,
    tenant       text,
    provider     text,
    user_id      text,
    account      text,
    generation   bigint,
    attempt      uuid,
    owner        uuid,
    at           bigint,
    hold_until   bigint,
    epoch        bigint,
    canary_until bigint
);

-- The number the next attempt of a grant at a generation has, from 1.
CREATE FUNCTION next_presentation_no(of_grant uuid, of_generation bigint) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(max(a.presentation_no), 0) + 1 FROM attempts a
            WHERE a.grant_id = of_grant AND a.generation = of_generation);
END $$;

-- Until when the registration is paused; NULL if it is not, or if this claim is its canary: then the pause goes on for
-- every other claim.
CREATE FUNCTION pause_seen_by(c refresh_claim, of_registration text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    canary bigint;
BEGIN
    SELECT p.canary_at INTO canary FROM registration_pauses p
    WHERE p.tenant = c.tenant AND p.provider = c.provider AND p.registration = of_registration
      AND p.ended_at IS NULL;
    IF canary IS NULL OR canary > c.at THEN
        RETURN canary;
    END IF;
    -- The canary's time has come. Of the claims that see this, one moves it.
    UPDATE registration_pauses p SET canary_at = c.canary_until
    WHERE p.tenant = c.tenant AND p.provider = c.provider AND p.registration = of_registration
      AND p.canary_at = canary;
    RETURN CASE WHEN FOUND THEN NULL ELSE c.canary_until END;
END $$;

-- Judges one claim of a locked grant, and opens the attempt if it is granted. `detail` is the newer generation or the
-- time to wait for.
CREATE FUNCTION claim_locked(
    c refresh_claim, g grant_rows, OUT outcome text, OUT detail bigint, OUT busy uuid, OUT presentation_no integer
) LANGUAGE plpgsql AS $$
BEGIN
    IF g.generation > c.generation THEN
        outcome := 'newer';
        detail := g.generation;
    ELSIF g.generation < c.generation THEN
        outcome := 'older';
    ELSIF g.lifecycle <> 'active' OR g.refresh_token_generation IS NULL THEN
        outcome := 'not_refreshable';
    ELSE
        SELECT a.id INTO busy FROM attempts a
        WHERE a.grant_id = c.grant_id AND a.closed_at IS NULL AND a.kind = 'refresh';
        IF busy IS NOT NULL THEN
            outcome := 'busy';
            RETURN;
        END IF;
        IF g.phase IN ('uncertain', 'suspect') AND g.due_at > c.at THEN
            outcome := 'undecided';
            detail := g.due_at;
            RETURN;
        END IF;
        -- Last, because it makes this claim the canary.
        detail := pause_seen_by(c, g.registration);
        IF detail IS NOT NULL THEN
            outcome := 'registration_paused';
            RETURN;
        END IF;
        outcome := 'claimed';
        INSERT INTO attempts (id, tenant, provider, user_id, account, grant_id, kind, registration, lineage,
                              generation, presentation_no, owner, claimed_at)
        VALUES (c.attempt, c.tenant, c.provider, c.user_id, c.account, c.grant_id, 'refresh', g.registration,
                g.lineage, g.generation, next_presentation_no(c.grant_id, g.generation), c.owner, c.at)
        RETURNING attempts.presentation_no INTO presentation_no;
        -- Takes the grant out of the due range, so that no tick finds it again while the attempt is open.
        UPDATE grant_rotation SET phase = 'claimed', due_at = c.hold_until, updated_at = c.at
        WHERE grant_id = c.grant_id;
    END IF;
END $$;

-- One row for each claim of a grant that is there. `seen` is the highest heartbeat number the caller has seen.
CREATE FUNCTION claim_refreshes(claims refresh_claim[], seen bigint) RETURNS TABLE (
    n integer, outcome text, detail bigint, busy uuid, presentation_no integer, before grant_rows,
    access_token bytea, refresh_token bytea, asked_at bigint, first_sent_at bigint, last_sent_at bigint
) LANGUAGE plpgsql AS $$
DECLARE
    c refresh_claim;
    epoch bigint := store_epoch();
    gone_back boolean := (SELECT i.beats < seen FROM installation i);
BEGIN
    PERFORM 1 FROM grant_rotation r WHERE r.grant_id IN (SELECT q.grant_id FROM unnest(claims) q)
    ORDER BY r.grant_id FOR UPDATE;
    FOREACH c IN ARRAY claims LOOP
        SELECT v.* INTO before FROM grant_rows v
        WHERE v.tenant = c.tenant AND v.provider = c.provider AND v.user_id = c.user_id AND v.account = c.account;
        CONTINUE WHEN NOT FOUND;
        n := c.n;
        IF gone_back OR c.epoch <> epoch THEN
            SELECT 'other_epoch', NULL, NULL, NULL INTO outcome, detail, busy, presentation_no;
        ELSE
            SELECT l.outcome, l.detail, l.busy, l.presentation_no INTO outcome, detail, busy, presentation_no
            FROM claim_locked(c, before) l;
        END IF;
        SELECT s.access_token, s.refresh_token, u.asked_at INTO access_token, refresh_token, asked_at
        FROM grant_secrets s LEFT JOIN grant_use u USING (grant_id)
        WHERE s.grant_id = c.grant_id AND outcome = 'claimed';
        SELECT min(a.sent_at), max(a.sent_at) INTO first_sent_at, last_sent_at FROM attempts a
        WHERE a.grant_id = c.grant_id AND a.generation = before.generation AND a.lineage = before.lineage
          AND outcome = 'claimed';
        RETURN NEXT;
    END LOOP;
END $$;
