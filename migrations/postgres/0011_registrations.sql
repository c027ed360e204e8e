-- Registrations as they are read, and the creates that may be repeated.
--
-- Expand: everything here is new.

-- A registration with its secrets, one row for each; one row without a secret for a public client.
CREATE VIEW registration_rows AS
    SELECT r.tenant, r.provider, r.id, r.number, r.client_id, r.secrets_made, r.redirect_uri, r.scopes,
           r.return_to::text AS return_to, r.grant_window, r.created_at, r.updated_at, r.version,
           EXISTS (SELECT 1 FROM registration_pauses p
                   WHERE p.tenant = r.tenant AND p.provider = r.provider AND p.registration = r.id
                     AND p.ended_at IS NULL) AS rejected,
           s.number AS secret_number, s.position AS secret_position, s.client_secret,
           s.created_at AS secret_created_at, s.last_accepted_at, s.refused_at,
           r.allow_device_authorization
    FROM client_registrations r
    LEFT JOIN client_secrets s ON s.tenant = r.tenant AND s.provider = r.provider AND s.registration = r.id
    WHERE r.deleted_at IS NULL;

CREATE TABLE create_requests (
    -- No foreign key: it may be the tenant that is created. `*` for access policies about every tenant.
    tenant     text COLLATE "C" NOT NULL,
    id         uuid   NOT NULL,
    -- SHA-256 of everything that was asked, but for secrets.
    digest     bytea  NOT NULL CHECK (length(digest) = 32),
    -- The name of what was made.
    resource   text   NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX create_requests_age ON create_requests (created_at);
