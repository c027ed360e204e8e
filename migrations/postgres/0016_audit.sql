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

-- The chains of records: one for each tenant, and one named '' for the installation. Nothing here is ever updated or
-- deleted. Columns are as in the inbox, without its checks: what a foreign hand writes must be readable to be found.
CREATE TABLE audit_records (
    chain         text COLLATE "C" NOT NULL,
    sequence      bigint NOT NULL,
    tenant        text COLLATE "C" NOT NULL,
    at            bigint NOT NULL,
    principal     text COLLATE "C",
    action        text   NOT NULL,
    provider      text COLLATE "C",
    user_id       text COLLATE "C",
    account       text COLLATE "C",
    resource      text   NOT NULL,
    generation    bigint,
    outcome       text   NOT NULL,
    reason        text   NOT NULL,
    purpose       text   NOT NULL,
    fingerprint   bytea,
    previous_hash bytea  NOT NULL,
    hash          bytea  NOT NULL,
    PRIMARY KEY (chain, sequence)
);

-- Where each chain was begun is noted in that of the installation.
CREATE INDEX audit_records_of_beginnings ON audit_records (tenant) WHERE chain = '' AND action = 'begin_chain';

-- The last record of each chain. Whoever appends exchanges it.
CREATE TABLE audit_heads (
    chain    text COLLATE "C" PRIMARY KEY,
    sequence bigint NOT NULL,
    hash     bytea  NOT NULL,
    mac      bytea  NOT NULL
);

-- Every so many records, what the last of them was.
CREATE TABLE audit_checkpoints (
    chain    text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    hash     bytea  NOT NULL,
    mac      bytea  NOT NULL,
    PRIMARY KEY (chain, sequence)
);

-- The keys of the audit log, wrapped. One of purpose 'rotation' makes the hashes of records, one of purpose 'access' the
-- fingerprints of tokens.
CREATE TABLE audit_keys (
    purpose      text   PRIMARY KEY CHECK (purpose IN ('access', 'rotation')),
    id           uuid   NOT NULL,
    envelope     bytea  NOT NULL,
    wrapping_key text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL
);
