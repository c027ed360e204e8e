-- API keys that stand under the key of a grant, in place of one.
--
-- Expand: everything here is new.

CREATE TABLE machine_credentials (
    -- Derived from the key, as a grant's is.
    grant_id       uuid   PRIMARY KEY,
    tenant         text COLLATE "C" NOT NULL REFERENCES tenants (id),
    provider       text COLLATE "C" NOT NULL,
    user_id        text COLLATE "C" NOT NULL,
    account        text COLLATE "C" NOT NULL,
    -- Both sealed for the version.
    api_key_id     bytea  NOT NULL,
    api_key_secret bytea  NOT NULL,
    created_at     bigint NOT NULL,
    updated_at     bigint NOT NULL,
    version        bigint NOT NULL,
    -- Tenant first; lists have their order from it.
    UNIQUE (tenant, provider, user_id, account)
);

CALL isolate_tenants('machine_credentials', 'tenant');

-- Vending reads them as it reads access tokens. Rotators seal them anew, and look whether a consent may begin.
GRANT SELECT ON machine_credentials TO token_broker_api;
GRANT SELECT, UPDATE ON machine_credentials TO token_broker_rotator;
-- Operators put them in and never read them back.
GRANT SELECT (grant_id, tenant, provider, user_id, account, created_at, updated_at, version), INSERT, UPDATE, DELETE
    ON machine_credentials TO token_broker_admin;
-- A key that may still get a grant takes none.
GRANT SELECT (grant_id, expires_at) ON authorizations TO token_broker_admin;
