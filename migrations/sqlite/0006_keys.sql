-- Rotations of keys, and the key encryption keys they were wrapped under. No key stands here.

-- Values the key has sealed (NIST SP 800-38D, section 8.3), counted in blocks ahead of use: never too few.
ALTER TABLE data_keys ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0 CHECK (sealed BETWEEN 0 AND 4294967296);

-- Key encryption keys that were primary at some time, by name.
CREATE TABLE key_encryption_keys (
    id            TEXT    NOT NULL PRIMARY KEY,
    created_at    INTEGER NOT NULL,
    -- When another became primary.
    superseded_at INTEGER,
    retired_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE key_rotations (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind         TEXT    NOT NULL CHECK (kind IN ('kek', 'dek')),
    -- NULL for every tenant.
    tenant       TEXT    REFERENCES tenants (id),
    -- The key encryption key that data keys are to be wrapped under.
    target       TEXT,
    state        TEXT    NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
    walk         TEXT    NOT NULL CHECK (walk IN ('first', 'last')),
    -- The last tenant of the walk that is done: where a run goes on that takes over.
    after_tenant TEXT,
    done         INTEGER NOT NULL CHECK (done >= 0),
    remaining    INTEGER NOT NULL CHECK (remaining >= 0),
    failed       INTEGER NOT NULL CHECK (failed >= 0),
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    -- The run that works on it, and when it last said so.
    owner        BLOB    CHECK (length(owner) = 16),
    heartbeat_at INTEGER,
    CHECK ((kind = 'kek') = (target IS NOT NULL)),
    CHECK ((state = 'running') = (ended_at IS NULL)),
    CHECK ((owner IS NULL) = (heartbeat_at IS NULL))
) STRICT;

-- Whoever asks for what is under way is answered with it.
CREATE UNIQUE INDEX key_rotations_one_running ON key_rotations (kind, coalesce(tenant, '')) WHERE state = 'running';

-- A rotation of data keys walks a tenant's grants, authorizations and revocations in the order of their ids.
CREATE INDEX grants_of_tenant ON grants (tenant, id);
CREATE INDEX authorizations_of_tenant ON authorizations (tenant, id);
CREATE INDEX revocations_of_tenant ON revocations (tenant, id);
