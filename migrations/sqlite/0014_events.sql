-- Events: what happened, for those who watch. An event is written in the transaction of what it tells of. One process
-- writes at a time here, so an event has its place in the log at once, and places have no gaps.

CREATE TABLE events (
    sequence     INTEGER NOT NULL PRIMARY KEY,
    type         TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    -- Empty for what concerns every tenant.
    tenant       TEXT    NOT NULL,
    provider     TEXT,
    -- Where it concerns a grant, all of these.
    user_id      TEXT,
    account      TEXT,
    grant_id     BLOB    CHECK (length(grant_id) = 16),
    generation   INTEGER,
    cause        TEXT,
    dies_at      INTEGER,
    registration TEXT,
    key_id       TEXT,
    webhook_id   BLOB    CHECK (length(webhook_id) = 16)
) STRICT;

-- A watcher of one tenant reads its rows and those of providers, in the order of the log.
CREATE INDEX events_of_tenant ON events (tenant, sequence);

-- The last place given, and the last one pruned.
CREATE TABLE event_head (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    sequence INTEGER NOT NULL,
    pruned   INTEGER NOT NULL
) STRICT;

INSERT INTO event_head VALUES (1, 0, 0);

-- A place is taken with each row, whoever writes it.
CREATE TRIGGER event_placed AFTER INSERT ON events BEGIN
    UPDATE event_head SET sequence = NEW.sequence;
END;

CREATE TRIGGER grant_made AFTER INSERT ON grants BEGIN
    INSERT INTO events (sequence, type, at, tenant, provider, user_id, account, grant_id, generation, registration)
    SELECT sequence + 1, 'grant.created', NEW.updated_at, NEW.tenant, NEW.provider, NEW.user_id, NEW.account, NEW.id,
           NEW.generation, NEW.registration
    FROM event_head;
END;

-- Claims and SENT change nothing of a grant's standing and tell nothing.
CREATE TRIGGER grant_moved AFTER UPDATE ON grants
WHEN OLD.generation <> NEW.generation OR (OLD.lifecycle <> NEW.lifecycle AND NEW.lifecycle <> 'revoking')
BEGIN
    INSERT INTO events (sequence, type, at, tenant, provider, user_id, account, grant_id, generation, cause, dies_at,
                        registration)
    SELECT sequence + 1,
           CASE
               WHEN NEW.lifecycle = 'active' AND OLD.lifecycle IN ('revoking', 'revoked') THEN 'grant.created'
               WHEN NEW.lifecycle = 'active' AND OLD.lifecycle <> 'active' THEN 'grant.recovered'
               WHEN NEW.lifecycle = 'active' THEN 'grant.refreshed'
               WHEN NEW.lifecycle = 'needs_consent' THEN 'grant.needs_consent'
               WHEN NEW.lifecycle = 'consent_expired' THEN 'grant.expired'
               ELSE 'grant.revoked'
           END,
           NEW.updated_at, NEW.tenant, NEW.provider, NEW.user_id, NEW.account, NEW.id, NEW.generation,
           NEW.consent_cause, CASE WHEN NEW.lifecycle = 'consent_expired' THEN NEW.dies_at END, NEW.registration
    FROM event_head;
END;

CREATE TRIGGER key_rotation_ended AFTER UPDATE ON key_rotations
WHEN OLD.state = 'running' AND NEW.state = 'succeeded'
BEGIN
    INSERT INTO events (sequence, type, at, tenant, key_id)
    SELECT sequence + 1, 'key.rotated', NEW.ended_at, coalesce(NEW.tenant, ''), NEW.target FROM event_head;
END;
