-- Tenants, their data keys and their registrations as OAuth clients.
--
-- Times are microseconds since 1970-01-01T00:00:00Z, as the broker's clock has them: exact both ways. Scopes are
-- joined by one space, as on the wire (RFC 6749 §3.3). Columns named access_token, refresh_token, client_secret,
-- verifier, envelope and body hold sealed envelopes, never anything readable. Names compare byte by byte
-- (COLLATE "C"), as they do in the broker.
--
-- Expand: everything here is new.

CREATE TABLE tenants (
    id           text COLLATE "C" PRIMARY KEY,
    display_name text   NOT NULL,
    created_at   bigint NOT NULL,
    -- When an operator last changed it. Each change raises the version.
    updated_at   bigint NOT NULL,
    version      bigint NOT NULL
);

CREATE TABLE data_keys (
    tenant   text COLLATE "C" NOT NULL REFERENCES tenants (id),
    -- The newest key of a tenant has the highest number: it seals, every one of them opens.
    number   bigint NOT NULL CHECK (number >= 1),
    -- Stands in every envelope sealed under the key, so it names one key in the whole store.
    id       uuid   NOT NULL UNIQUE,
    purpose  text   NOT NULL CHECK (purpose IN ('access', 'rotation')),
    -- Erased when the key is retired: what it had sealed is lost with it.
    envelope bytea,
    -- The key encryption key it is wrapped under, as its envelope says.
    wrapping_key  text COLLATE "C",
    -- The key rotation that made it; NULL for the first keys of a tenant. A rotation makes one for each purpose.
    rotation      uuid,
    created_at    bigint NOT NULL,
    -- When a newer key of its purpose took over.
    superseded_at bigint,
    retired_at    bigint,
    PRIMARY KEY (tenant, number),
    UNIQUE (tenant, purpose, rotation),
    CHECK ((envelope IS NULL) = (retired_at IS NOT NULL)),
    CHECK ((envelope IS NULL) = (wrapping_key IS NULL))
);

-- What replicas ask for every few seconds: keys made or retired of late.
CREATE INDEX data_keys_created ON data_keys (created_at);
CREATE INDEX data_keys_retired ON data_keys (retired_at) WHERE retired_at IS NOT NULL;

CREATE TABLE client_registrations (
    tenant        text COLLATE "C" NOT NULL REFERENCES tenants (id),
    provider      text COLLATE "C" NOT NULL,
    id            text COLLATE "C" NOT NULL,
    -- Order of creation, for "the first" among registrations of one instant.
    number        bigint GENERATED ALWAYS AS IDENTITY,
    client_id     text   NOT NULL,
    -- The number of the last secret it was given: no number is given twice.
    secrets_made  integer NOT NULL CHECK (secrets_made >= 0),
    redirect_uri  text   NOT NULL,
    scopes        text   NOT NULL,
    return_to     jsonb  NOT NULL,
    -- How long its grants live; NULL as the provider's grants do.
    grant_window  text,
    created_at    bigint NOT NULL,
    updated_at    bigint NOT NULL,
    version       bigint NOT NULL,
    -- Whether users may consent on another device (RFC 8628).
    allow_device_authorization boolean NOT NULL DEFAULT false,
    -- A deleted registration stays behind as a name, without secrets: dead grants and old authorizations are pinned to it.
    deleted_at    bigint,
    PRIMARY KEY (tenant, provider, id)
);

-- None for a public client. Each is sealed at a place of its own: in another's row it does not open.
CREATE TABLE client_secrets (
    tenant           text COLLATE "C" NOT NULL,
    provider         text COLLATE "C" NOT NULL,
    registration     text COLLATE "C" NOT NULL,
    number           integer NOT NULL CHECK (number >= 1),
    -- Among those that were not refused the lowest is tried first.
    position         integer NOT NULL,
    client_secret    bytea   NOT NULL,
    created_at       bigint  NOT NULL,
    -- As often as it is noted, not as often as it happens.
    last_accepted_at bigint,
    -- Since it was last accepted.
    refused_at       bigint,
    PRIMARY KEY (tenant, provider, registration, number),
    FOREIGN KEY (tenant, provider, registration) REFERENCES client_registrations (tenant, provider, id)
);

CREATE TABLE authorizations (
    id           uuid   PRIMARY KEY,
    tenant       text COLLATE "C" NOT NULL,
    provider     text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    account      text COLLATE "C" NOT NULL,
    -- Derived from the four above, by the broker.
    grant_id     uuid   NOT NULL,
    registration text COLLATE "C" NOT NULL,
    lineage      uuid   NOT NULL,
    redirect_uri text   NOT NULL,
    scopes       text   NOT NULL,
    -- The state itself is never kept: whoever reads the table cannot answer a redirect with it.
    state_digest bytea  NOT NULL CHECK (length(state_digest) = 32),
    verifier     bytea  NOT NULL,
    status       text   NOT NULL CHECK (status IN ('pending', 'exchanging', 'completed', 'denied', 'failed')),
    failure      text,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    -- When it left `pending` for good.
    settled_at   bigint,
    -- Another upstream account than the one of the existing grant is accepted.
    allow_account_change boolean NOT NULL DEFAULT false,
    -- Set for an import: a code of the token that is imported, and when its user consented.
    imported_token bytea CHECK (length(imported_token) = 32),
    consented_at bigint,
    CHECK ((imported_token IS NULL) = (consented_at IS NULL)),
    CHECK ((status = 'failed') = (failure IS NOT NULL)),
    UNIQUE (tenant, state_digest),
    FOREIGN KEY (tenant, provider, registration) REFERENCES client_registrations (tenant, provider, id)
);
