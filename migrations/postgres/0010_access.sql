-- Access policies: what callers may do. Policies of the configuration do not stand here.
--
-- Expand: everything here is new.

CREATE TABLE access_policies (
    id                  uuid   PRIMARY KEY,
    -- SHA-256 of what the policy allows, made by the broker: no two policies allow the same.
    rule_digest         bytea  NOT NULL UNIQUE CHECK (length(rule_digest) = 32),
    -- A name, or with `*` at its end what names begin with.
    principal           text COLLATE "C" NOT NULL,
    -- Their names, joined by one space.
    actions             text   NOT NULL,
    -- `*`: every one. No reference: a policy may be there before its tenant.
    tenant              text COLLATE "C" NOT NULL,
    provider            text COLLATE "C" NOT NULL,
    -- Empty: any.
    max_scopes          text   NOT NULL,
    requests_per_second double precision,
    description         text   NOT NULL,
    created_at          bigint NOT NULL
);

-- Moves with every change of the policies, by whomever: replicas look at it alone.
CREATE TABLE access_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version  bigint  NOT NULL DEFAULT 0
);

INSERT INTO access_version DEFAULT VALUES;

CREATE FUNCTION access_policies_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE access_version SET version = version + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER access_policy_changed AFTER INSERT OR UPDATE OR DELETE ON access_policies
FOR EACH ROW EXECUTE FUNCTION access_policies_changed();

CREATE TRIGGER access_policies_truncated AFTER TRUNCATE ON access_policies
FOR EACH STATEMENT EXECUTE FUNCTION access_policies_changed();
