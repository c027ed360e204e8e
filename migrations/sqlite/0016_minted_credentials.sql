-- Machine credentials whose access tokens are minted: had anew whenever the broker must. The table is made anew, as the
-- halves of an API key may now be missing.

CREATE TABLE machine_credentials_anew (
    -- Derived from the key, as a grant's is.
    grant_id       BLOB    NOT NULL PRIMARY KEY CHECK (length(grant_id) = 16),
    tenant         TEXT    NOT NULL REFERENCES tenants (id),
    provider       TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    account        TEXT    NOT NULL,
    kind           TEXT    NOT NULL CHECK (kind IN ('api_key', 'client_credentials', 'derived')),
    -- Both sealed for the version.
    api_key_id     BLOB,
    api_key_secret BLOB,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    -- What is minted of: a registration, or a grant and an account at the provider.
    registration   TEXT,
    parent_user    TEXT,
    parent_account TEXT,
    target         TEXT,
    asked_scopes   TEXT    NOT NULL DEFAULT '',
    -- Of the last token; before the first one the version.
    generation     INTEGER NOT NULL DEFAULT 0,
    -- The last token, sealed for its generation, and its facts.
    access_token   BLOB,
    token_type     TEXT,
    scopes         TEXT,
    api_base_url   TEXT,
    issued_at      INTEGER,
    expires_at     INTEGER,
    -- Of the grant that it was derived from.
    parent_lineage BLOB    CHECK (length(parent_lineage) = 16),
    -- When the next is minted.
    mint_at        INTEGER,
    -- A replica is minting until then, at most.
    minting_until  INTEGER,
    -- Failures since the last token.
    failures       INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failure        TEXT,
    failure_at     INTEGER,
    failing_since  INTEGER,
    failure_code   TEXT,
    failure_status INTEGER,
    CHECK ((kind = 'api_key') = (api_key_id IS NOT NULL AND api_key_secret IS NOT NULL)),
    CHECK ((kind = 'client_credentials') = (registration IS NOT NULL)),
    CHECK ((kind = 'derived') = (parent_user IS NOT NULL AND parent_account IS NOT NULL AND target IS NOT NULL)),
    CHECK ((kind = 'api_key') = (mint_at IS NULL)),
    CHECK (access_token IS NULL
           OR token_type IS NOT NULL AND scopes IS NOT NULL AND issued_at IS NOT NULL AND expires_at IS NOT NULL),
    CHECK ((failures = 0) = (failure IS NULL)),
    -- Tenant first; lists have their order from it.
    UNIQUE (tenant, provider, user_id, account)
) STRICT, WITHOUT ROWID;

INSERT INTO machine_credentials_anew (grant_id, tenant, provider, user_id, account, kind, api_key_id, api_key_secret,
                                      created_at, updated_at, version)
    SELECT grant_id, tenant, provider, user_id, account, 'api_key', api_key_id, api_key_secret,
           created_at, updated_at, version
    FROM machine_credentials;

DROP TABLE machine_credentials;
ALTER TABLE machine_credentials_anew RENAME TO machine_credentials;

CREATE INDEX machine_credentials_due ON machine_credentials (mint_at) WHERE mint_at IS NOT NULL;
