-- The audit log. A record is written to the inbox in the transaction of what it tells of; a replica soon moves it to its
-- tenant's chain.
--
-- Expand: everything here is new.

CREATE TABLE audit_inbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Whose log it belongs to; empty for what concerns every tenant. No reference: a record may tell of a tenant that
    -- is not there.
    tenant      text COLLATE "C" NOT NULL,
    at          bigint NOT NULL,
    -- The caller; NULL for the broker itself.
    principal   text,
    action      text   NOT NULL,
    -- Where it concerned a grant, all of provider, user_id and account; else at most a provider.
    provider    text COLLATE "C",
    user_id     text COLLATE "C",
    account     text COLLATE "C",
    resource    text   NOT NULL,
    generation  bigint,
    outcome     text   NOT NULL CHECK (outcome IN ('succeeded', 'denied', 'failed')),
    -- The name of the Reason; empty on success.
    reason      text   NOT NULL CHECK ((outcome = 'succeeded') = (reason = '')),
    purpose     text   NOT NULL,
    -- Tells access tokens apart without telling them.
    fingerprint bytea  CHECK (length(fingerprint) = 32),
    CHECK ((user_id IS NULL) = (account IS NULL)),
    CHECK (user_id IS NULL OR provider IS NOT NULL)
);

-- What the broker did by itself to something of a tenant other than a grant.
CREATE FUNCTION audit_resource(of_tenant text, of_provider text, did text, resource text, did_at bigint) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO audit_inbox (tenant, at, action, provider, resource, outcome, reason, purpose)
    VALUES (of_tenant, did_at, did, of_provider, resource, 'succeeded', '', '')
$$;

-- What the broker did to a grant by itself, from within the functions that do it.
CREATE FUNCTION audit_grant(
    of_tenant text, of_provider text, of_user text, of_account text, did text, at_generation bigint, because text,
    did_at bigint
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO audit_inbox (tenant, at, action, provider, user_id, account, resource, generation, outcome, reason,
                             purpose)
    VALUES (of_tenant, did_at, did, of_provider, of_user, of_account, because, at_generation, 'succeeded', '', '')
$$;
