-- Grants that will die: what of their end moves with a refresh, which notices are due, and who dies by when.

-- How long a registration's grants live; NULL as the provider's grants do.
ALTER TABLE client_registrations ADD COLUMN grant_window TEXT;

DROP VIEW registration_rows;
CREATE VIEW registration_rows AS
    SELECT r.tenant, r.provider, r.id, r.number, r.client_id, r.secrets_made, r.redirect_uri, r.scopes, r.return_to,
           r.grant_window, r.created_at, r.updated_at, r.version,
           EXISTS (SELECT 1 FROM registration_pauses p
                   WHERE p.tenant = r.tenant AND p.provider = r.provider AND p.registration = r.id
                     AND p.ended_at IS NULL) AS rejected,
           s.number AS secret_number, s.position AS secret_position, s.client_secret,
           s.created_at AS secret_created_at, s.last_accepted_at, s.refused_at,
           r.allow_device_authorization
    FROM client_registrations r
    LEFT JOIN client_secrets s ON s.tenant = r.tenant AND s.provider = r.provider AND s.registration = r.id
    WHERE r.deleted_at IS NULL;

-- The part of `dies_at` that no refresh moves, and the part that every refresh begins anew (a duration).
ALTER TABLE grants ADD COLUMN authorization_ends_at INTEGER;
ALTER TABLE grants ADD COLUMN refresh_token_timeout INTEGER;
-- When a notice of the end may be due; NULL if none is left.
ALTER TABLE grants ADD COLUMN notice_at INTEGER;
-- The last notice given since the consent, by how long before the end it was due.
ALTER TABLE grants ADD COLUMN noticed INTEGER;

-- Of grants from before it is not known which life they die of. Kept alive too often they lose nothing, and their next
-- token set brings the truth.
UPDATE grants SET refresh_token_timeout = dies_at - issued_at WHERE dies_at > issued_at;

-- A tick reads what is due and nothing else.
CREATE INDEX grants_notice ON grants (notice_at) WHERE notice_at IS NOT NULL;

-- Lists of who dies by a time have their order from it.
CREATE INDEX grants_dying ON grants (tenant, dies_at, id) WHERE dies_at IS NOT NULL;
