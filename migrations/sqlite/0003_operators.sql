-- Registrations as they are read, creates that may be repeated, what operators pause and what they look at.

-- A registration with its secrets, one row for each; one row without a secret for a public client.
CREATE VIEW registration_rows AS
    SELECT r.tenant, r.provider, r.id, r.number, r.client_id, r.secrets_made, r.redirect_uri, r.scopes, r.return_to,
           r.created_at, r.updated_at, r.version,
           EXISTS (SELECT 1 FROM registration_pauses p
                   WHERE p.tenant = r.tenant AND p.provider = r.provider AND p.registration = r.id
                     AND p.ended_at IS NULL) AS rejected,
           s.number AS secret_number, s.position AS secret_position, s.client_secret,
           s.created_at AS secret_created_at, s.last_accepted_at, s.refused_at
    FROM client_registrations r
    LEFT JOIN client_secrets s ON s.tenant = r.tenant AND s.provider = r.provider AND s.registration = r.id
    WHERE r.deleted_at IS NULL;

CREATE TABLE create_requests (
    -- No foreign key: it may be the tenant that is created. `*` for access policies about every tenant.
    tenant     TEXT    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    -- SHA-256 of everything that was asked, but for secrets.
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    -- The name of what was made.
    resource   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX create_requests_age ON create_requests (created_at);

-- One row for each target: a tenant, or a provider.
CREATE TABLE refresh_pauses (
    tenant     TEXT REFERENCES tenants (id),
    provider   TEXT,
    expires_at INTEGER NOT NULL,
    principal  TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    CHECK ((tenant IS NULL) <> (provider IS NULL))
) STRICT;

CREATE UNIQUE INDEX refresh_pauses_tenant ON refresh_pauses (tenant) WHERE tenant IS NOT NULL;
CREATE UNIQUE INDEX refresh_pauses_provider ON refresh_pauses (provider) WHERE provider IS NOT NULL;

-- When a provider last answered anybody with tokens. Written with heartbeats, not with rotations.
CREATE TABLE provider_successes (
    provider     TEXT    NOT NULL PRIMARY KEY,
    succeeded_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Grants in doubt, counted without reading the others.
CREATE INDEX grants_tainted ON grants (id) WHERE tainted = 1;
CREATE INDEX grants_suspect ON grants (id) WHERE phase = 'suspect';
