-- Authorizations whose callback comes to the broker's own page.
--
-- Expand: what is new has a default or may be NULL, and a version that does not know it starts none.

ALTER TABLE authorizations
    -- The broker receives the callback; otherwise the product's redirect URI does.
    ADD COLUMN hosted boolean NOT NULL DEFAULT false,
    -- Where the browser is sent on to.
    ADD COLUMN return_to text,
    -- The provider's code: while it is here the authorization awaits completion. It goes when that is settled.
    ADD COLUMN code bytea,
    -- The completion code itself is never kept. It stays: whoever has it has used the state.
    ADD COLUMN completion_digest bytea CHECK (length(completion_digest) = 32),
    ADD CONSTRAINT authorizations_hosted CHECK (hosted OR (return_to IS NULL AND completion_digest IS NULL)),
    ADD CONSTRAINT authorizations_answered CHECK (code IS NULL OR completion_digest IS NOT NULL);

-- A browser names no tenant.
CREATE UNIQUE INDEX authorizations_state ON authorizations (state_digest);

CREATE FUNCTION forget_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.code := NULL;
    RETURN NEW;
END $$;

-- However it is settled.
CREATE TRIGGER forget_code BEFORE UPDATE ON authorizations FOR EACH ROW
    WHEN (NEW.settled_at IS NOT NULL AND NEW.code IS NOT NULL) EXECUTE FUNCTION forget_code();
