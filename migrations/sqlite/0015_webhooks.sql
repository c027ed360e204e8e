-- Webhooks: where tenants have their events sent, and how far each has come.

CREATE TABLE webhooks (
    id                  BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant              TEXT    NOT NULL REFERENCES tenants (id),
    url                 TEXT    NOT NULL,
    -- Names of event types, with spaces between them; empty for all.
    types               TEXT    NOT NULL,
    description         TEXT    NOT NULL,
    state               TEXT    NOT NULL CHECK (state IN ('enabled', 'disabled', 'failed')),
    -- The secret there is has this number, and the old one the number before.
    secret_number       INTEGER NOT NULL CHECK (secret_number > 0),
    secret              BLOB    NOT NULL,
    old_secret          BLOB,
    old_secret_until    INTEGER,
    -- Every event of the log up to this place is accepted, or was not to be sent.
    delivered           INTEGER NOT NULL,
    -- What is sent again, before anything else: events after the first place, up to the last.
    redeliver_after     INTEGER,
    redeliver_through   INTEGER,
    -- Nothing is sent before.
    next_at             INTEGER NOT NULL,
    -- Who delivers, and until when nobody else does.
    claim               BLOB    CHECK (length(claim) = 16),
    held_until          INTEGER NOT NULL DEFAULT 0,
    -- Deliveries that failed in a row.
    failures            INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failing_since       INTEGER,
    last_success_at     INTEGER,
    last_failure_at     INTEGER,
    last_failure        TEXT,
    last_failure_status INTEGER,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    version             INTEGER NOT NULL,
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL)),
    CHECK ((redeliver_after IS NULL) = (redeliver_through IS NULL))
) STRICT, WITHOUT ROWID;

-- Lists have their order from it.
CREATE INDEX webhooks_of_tenant ON webhooks (tenant, id);
CREATE INDEX webhooks_due ON webhooks (next_at) WHERE state = 'enabled';

-- How many events wait for a webhook.
CREATE VIEW webhook_rows AS
SELECT w.*, (
    SELECT count(*) FROM events e
    WHERE e.tenant IN (w.tenant, '') AND (w.types = '' OR instr(' ' || w.types || ' ', ' ' || e.type || ' '))
      AND (e.sequence > w.delivered AND w.state = 'enabled'
           OR e.sequence > w.redeliver_after AND e.sequence <= w.redeliver_through)
) AS pending
FROM webhooks w;
