-- Device authorizations (RFC 8628): how each is polled. The authorization itself, and what becomes of it, stand in
-- `authorizations`; a row goes when there is nothing to poll for any more.

CREATE TABLE device_authorizations (
    authorization_id BLOB    NOT NULL PRIMARY KEY REFERENCES authorizations (id) ON DELETE CASCADE
                             CHECK (length(authorization_id) = 16),
    tenant           TEXT    NOT NULL,
    device_code      BLOB    NOT NULL,
    -- In milliseconds. It only grows.
    poll_interval    INTEGER NOT NULL CHECK (poll_interval > 0),
    -- Never before this: a poll that is begun moves it on.
    next_poll_at     INTEGER NOT NULL,
    -- Polls in a row that were not answered.
    failures         INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    -- The answer to a poll was lost, and it may have been the one with the tokens.
    answer_lost      INTEGER NOT NULL DEFAULT FALSE CHECK (answer_lost IN (FALSE, TRUE)),
    -- The last poll.
    attempt_id       BLOB    CHECK (length(attempt_id) = 16)
) STRICT;

CREATE INDEX device_authorizations_due ON device_authorizations (next_poll_at);
-- A rotation of data keys walks a tenant's rows in the order of their ids.
CREATE INDEX device_authorizations_of_tenant ON device_authorizations (tenant, authorization_id);

-- Whether users may consent on another device (RFC 8628).
ALTER TABLE client_registrations
    ADD COLUMN allow_device_authorization INTEGER NOT NULL DEFAULT FALSE
    CHECK (allow_device_authorization IN (FALSE, TRUE));

DROP VIEW registration_rows;

-- A registration with its secrets, one row for each; one row without a secret for a public client.
CREATE VIEW registration_rows AS
    SELECT r.tenant, r.provider, r.id, r.number, r.client_id, r.secrets_made, r.redirect_uri, r.scopes, r.return_to,
           r.created_at, r.updated_at, r.version,
           EXISTS (SELECT 1 FROM registration_pauses p
                   WHERE p.tenant = r.tenant AND p.provider = r.provider AND p.registration = r.id
                     AND p.ended_at IS NULL) AS rejected,
           s.number AS secret_number, s.position AS secret_position, s.client_secret,
           s.created_at AS secret_created_at, s.last_accepted_at, s.refused_at,
           r.allow_device_authorization
    FROM client_registrations r
    LEFT JOIN client_secrets s ON s.tenant = r.tenant AND s.provider = r.provider AND s.registration = r.id
    WHERE r.deleted_at IS NULL;
