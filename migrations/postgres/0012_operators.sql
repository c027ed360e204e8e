-- What operators pause, and what they look at.
--
-- Expand: everything here is new.

-- One row for each target: a tenant, or a provider.
CREATE TABLE refresh_pauses (
    tenant     text COLLATE "C" REFERENCES tenants (id),
    provider   text COLLATE "C",
    expires_at bigint NOT NULL,
    principal  text   NOT NULL,
    note       text   NOT NULL,
    created_at bigint NOT NULL,
    CHECK (num_nonnulls(tenant, provider) = 1)
);

CREATE UNIQUE INDEX refresh_pauses_target ON refresh_pauses (tenant, provider) NULLS NOT DISTINCT;

-- When a provider last answered anybody with tokens. Written with heartbeats, not with rotations.
CREATE TABLE provider_successes (
    provider     text COLLATE "C" PRIMARY KEY,
    succeeded_at bigint NOT NULL
);

-- Grants in doubt, counted without reading the others. Their conditions are columns that no claim and no SENT changes:
-- an index on `phase` would make an update of every index of each of them.
CREATE INDEX grants_tainted ON grant_rotation (grant_id) WHERE tainted;
CREATE INDEX grants_refused_once ON grants (id) WHERE failure_kind = 'dead_token';
