-- Authorizations whose callback comes to the broker's own page.

-- The broker receives the callback; otherwise the product's redirect URI does.
ALTER TABLE authorizations ADD COLUMN hosted INTEGER NOT NULL DEFAULT FALSE CHECK (hosted IN (FALSE, TRUE));
-- Where the browser is sent on to.
ALTER TABLE authorizations ADD COLUMN return_to TEXT CHECK (hosted OR return_to IS NULL);
-- The completion code itself is never kept. It stays: whoever has it has used the state.
ALTER TABLE authorizations ADD COLUMN completion_digest BLOB
    CHECK (completion_digest IS NULL OR (hosted AND length(completion_digest) = 32));
-- The provider's code: while it is here the authorization awaits completion. It goes when that is settled.
ALTER TABLE authorizations ADD COLUMN code BLOB CHECK (code IS NULL OR completion_digest IS NOT NULL);

-- A browser names no tenant.
CREATE UNIQUE INDEX authorizations_state ON authorizations (state_digest);

-- However it is settled.
CREATE TRIGGER forget_code AFTER UPDATE OF settled_at ON authorizations
WHEN new.settled_at IS NOT NULL AND new.code IS NOT NULL
BEGIN
    UPDATE authorizations SET code = NULL WHERE id = new.id;
END;
