-- Machine credentials whose access tokens are minted: had anew whenever the broker must.
--
-- Expand: API keys stay as they are, and what is new may be empty.

ALTER TABLE machine_credentials
    ALTER COLUMN api_key_id DROP NOT NULL,
    ALTER COLUMN api_key_secret DROP NOT NULL,
    ADD COLUMN kind text COLLATE "C" NOT NULL DEFAULT 'api_key'
        CHECK (kind IN ('api_key', 'client_credentials', 'derived')),
    -- What is minted of: a registration, or a grant and an account at the provider.
    ADD COLUMN registration   text COLLATE "C",
    ADD COLUMN parent_user    text COLLATE "C",
    ADD COLUMN parent_account text COLLATE "C",
    ADD COLUMN target         text COLLATE "C",
    ADD COLUMN asked_scopes   text NOT NULL DEFAULT '',
    -- Of the last token; before the first one the version.
    ADD COLUMN generation     bigint NOT NULL DEFAULT 0,
    -- The last token, sealed for its generation, and its facts.
    ADD COLUMN access_token   bytea,
    ADD COLUMN token_type     text,
    ADD COLUMN scopes         text,
    ADD COLUMN api_base_url   text,
    ADD COLUMN issued_at      bigint,
    ADD COLUMN expires_at     bigint,
    -- Of the grant that it was derived from.
    ADD COLUMN parent_lineage uuid,
    -- When the next is minted.
    ADD COLUMN mint_at        bigint,
    -- A replica is minting until then, at most.
    ADD COLUMN minting_until  bigint,
    -- Failures since the last token.
    ADD COLUMN failures       integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    ADD COLUMN failure        text,
    ADD COLUMN failure_at     bigint,
    ADD COLUMN failing_since  bigint,
    ADD COLUMN failure_code   text,
    ADD COLUMN failure_status integer,
    ADD CHECK ((kind = 'api_key') = (api_key_id IS NOT NULL AND api_key_secret IS NOT NULL)),
    ADD CHECK ((kind = 'client_credentials') = (registration IS NOT NULL)),
    ADD CHECK ((kind = 'derived') = (parent_user IS NOT NULL AND parent_account IS NOT NULL AND target IS NOT NULL)),
    ADD CHECK ((kind = 'api_key') = (mint_at IS NULL)),
    ADD CHECK (access_token IS NULL
               OR token_type IS NOT NULL AND scopes IS NOT NULL AND issued_at IS NOT NULL AND expires_at IS NOT NULL),
    ADD CHECK ((failures = 0) = (failure IS NULL));

CREATE INDEX machine_credentials_due ON machine_credentials (mint_at) WHERE mint_at IS NOT NULL;

-- Who vends cannot mint, and says that a token is wanted: a mint is due earlier then, never later.
GRANT UPDATE (mint_at) ON machine_credentials TO token_broker_api;

CREATE FUNCTION refuse_later_mint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'who vends makes a mint due earlier, never later';
END $$;

CREATE TRIGGER vending_hurries_mints BEFORE UPDATE OF mint_at ON machine_credentials
    FOR EACH ROW WHEN (current_user = 'token_broker_api' AND NEW.mint_at > OLD.mint_at)
    EXECUTE FUNCTION refuse_later_mint();
-- A registration that is minted of is not deleted.
GRANT SELECT (kind, registration, generation) ON machine_credentials TO token_broker_admin;
