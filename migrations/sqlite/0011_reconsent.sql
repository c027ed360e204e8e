-- Whose account at the provider a grant is of, and which refresh token began it.

-- A code under a key of the installation: nobody reads the account in it. NULL while it is not known.
ALTER TABLE grants ADD COLUMN upstream_account BLOB CHECK (length(upstream_account) = 32);
-- Of the token that began the present lineage; NULL where two grants may share one.
ALTER TABLE grants ADD COLUMN refresh_token_fingerprint BLOB CHECK (length(refresh_token_fingerprint) = 32);

CREATE INDEX grants_of_account ON grants (tenant, provider, upstream_account) WHERE upstream_account IS NOT NULL;
CREATE INDEX grants_of_token ON grants (tenant, refresh_token_fingerprint) WHERE refresh_token_fingerprint IS NOT NULL;

ALTER TABLE authorizations ADD COLUMN allow_account_change INTEGER NOT NULL DEFAULT 0
    CHECK (allow_account_change IN (0, 1));
-- Set for an import: a code of the token that is imported, and when its user consented.
ALTER TABLE authorizations ADD COLUMN imported_token BLOB CHECK (length(imported_token) = 32);
ALTER TABLE authorizations ADD COLUMN consented_at INTEGER CHECK ((consented_at IS NULL) = (imported_token IS NULL));
