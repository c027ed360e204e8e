-- Rotations of keys, and the key encryption keys they were wrapped under. No key stands here.
--
-- Expand: everything here is new.

-- Values the key has sealed (NIST SP 800-38D, section 8.3), counted in blocks ahead of use: never too few.
ALTER TABLE data_keys ADD COLUMN sealed bigint NOT NULL DEFAULT 0 CHECK (sealed BETWEEN 0 AND 4294967296);

-- Key encryption keys that were primary at some time, by name.
CREATE TABLE key_encryption_keys (
    id            text COLLATE "C" PRIMARY KEY,
    created_at    bigint NOT NULL,
    -- When another became primary.
    superseded_at bigint,
    retired_at    bigint
);

CREATE TABLE key_rotations (
    id           uuid   PRIMARY KEY,
    kind         text   NOT NULL CHECK (kind IN ('kek', 'dek')),
    -- NULL for every tenant.
    tenant       text COLLATE "C" REFERENCES tenants (id),
    -- The key encryption key that data keys are to be wrapped under.
    target       text COLLATE "C",
    state        text   NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
    walk         text   NOT NULL CHECK (walk IN ('first', 'last')),
    -- The last tenant of the walk that is done: where a replica goes on that takes over.
    after_tenant text COLLATE "C",
    done         bigint NOT NULL CHECK (done >= 0),
    remaining    bigint NOT NULL CHECK (remaining >= 0),
    failed       bigint NOT NULL CHECK (failed >= 0),
    created_at   bigint NOT NULL,
    ended_at     bigint,
    -- The run that works on it, and when it last said so.
    owner        uuid,
    heartbeat_at bigint,
    CHECK ((kind = 'kek') = (target IS NOT NULL)),
    CHECK ((state = 'running') = (ended_at IS NULL)),
    CHECK ((owner IS NULL) = (heartbeat_at IS NULL))
);

-- Whoever asks for what is under way is answered with it.
CREATE UNIQUE INDEX key_rotations_one_running ON key_rotations (kind, (coalesce(tenant, ''))) WHERE state = 'running';

-- A rotation of data keys walks a tenant's grants, authorizations and revocations in the order of their ids.
CREATE INDEX grants_of_tenant ON grants (tenant, id);
CREATE INDEX authorizations_of_tenant ON authorizations (tenant, id);
CREATE INDEX revocations_of_tenant ON revocations (tenant, id);
