-- API keys that stand under the key of a grant, in place of one.

CREATE TABLE machine_credentials (
    -- Derived from the key, as a grant's is.
    grant_id       BLOB    NOT NULL PRIMARY KEY CHECK (length(grant_id) = 16),
    tenant         TEXT    NOT NULL REFERENCES tenants (id),
    provider       TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    account        TEXT    NOT NULL,
    -- Both sealed for the version.
    api_key_id     BLOB    NOT NULL,
    api_key_secret BLOB    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    -- Tenant first; lists have their order from it.
    UNIQUE (tenant, provider, user_id, account)
) STRICT, WITHOUT ROWID;
