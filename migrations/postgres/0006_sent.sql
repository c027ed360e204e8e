-- SENT: durable before the first byte of a request is written.
--
-- Expand: everything here is new.

CREATE TYPE sent_mark AS (
    n             integer,
    grant_id      uuid,
    tenant        text,
    attempt       uuid,
    kind          text,
    lineage       uuid,
    generation    bigint,
    at            bigint,
    replay_within bigint
);

-- Anything but 'marked' has changed nothing.
CREATE FUNCTION mark_sent(m sent_mark) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    first_sent_at bigint;
BEGIN
    IF m.kind = 'refresh' THEN
        -- The grant must still be where the attempt found it: a refresh token that has a successor is never sent.
        PERFORM 1 FROM grant_rotation r
        WHERE r.grant_id = m.grant_id AND r.tenant = m.tenant AND r.lineage = m.lineage
          AND r.generation = m.generation AND r.lifecycle = 'active'
        FOR UPDATE;
        IF NOT FOUND THEN
            RETURN 'overtaken';
        END IF;
    END IF;
    PERFORM 1 FROM attempts a
    WHERE a.id = m.attempt AND a.tenant = m.tenant AND a.grant_id = m.grant_id
      AND a.closed_at IS NULL AND a.sent_at IS NULL
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'overtaken';
    END IF;
    IF m.replay_within IS NOT NULL THEN
        -- Counted from the first time the token was sent, by whichever attempt.
        SELECT min(f.sent_at) INTO first_sent_at FROM attempts f
        WHERE f.grant_id = m.grant_id AND f.generation = m.generation AND f.lineage = m.lineage;
        IF m.at - first_sent_at > m.replay_within THEN
            RETURN 'grace_over';
        END IF;
    END IF;
    UPDATE attempts SET sent_at = m.at WHERE id = m.attempt;
    IF m.kind = 'refresh' THEN
        UPDATE grant_rotation SET phase = 'sent', updated_at = m.at WHERE grant_id = m.grant_id;
    END IF;
    RETURN 'marked';
END $$;

CREATE FUNCTION mark_all_sent(marks sent_mark[]) RETURNS TABLE (n integer, outcome text) LANGUAGE plpgsql AS $$
DECLARE
    m sent_mark;
BEGIN
    PERFORM 1 FROM grant_rotation r
    WHERE r.grant_id IN (SELECT q.grant_id FROM unnest(marks) q WHERE q.kind = 'refresh')
    ORDER BY r.grant_id FOR UPDATE;
    FOREACH m IN ARRAY marks LOOP
        n := m.n;
        outcome := mark_sent(m);
        RETURN NEXT;
    END LOOP;
END $$;
