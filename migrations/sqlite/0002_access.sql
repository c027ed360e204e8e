-- Access policies: what callers may do. Policies of the configuration do not stand here.

CREATE TABLE access_policies (
    id                  BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- SHA-256 of what the policy allows, made by the broker: no two policies allow the same.
    rule_digest         BLOB    NOT NULL UNIQUE CHECK (length(rule_digest) = 32),
    -- A name, or with `*` at its end what names begin with.
    principal           TEXT    NOT NULL,
    -- Their names, joined by one space.
    actions             TEXT    NOT NULL,
    -- `*`: every one. No reference: a policy may be there before its tenant.
    tenant              TEXT    NOT NULL,
    provider            TEXT    NOT NULL,
    -- Empty: any.
    max_scopes          TEXT    NOT NULL,
    requests_per_second REAL,
    description         TEXT    NOT NULL,
    created_at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Moves with every change of the policies, by whomever: replicas look at it alone.
CREATE TABLE access_version (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    version  INTEGER NOT NULL
) STRICT;

INSERT INTO access_version VALUES (1, 0);

CREATE TRIGGER access_policy_created AFTER INSERT ON access_policies
BEGIN UPDATE access_version SET version = version + 1; END;

CREATE TRIGGER access_policy_changed AFTER UPDATE ON access_policies
BEGIN UPDATE access_version SET version = version + 1; END;

CREATE TRIGGER access_policy_deleted AFTER DELETE ON access_policies
BEGIN UPDATE access_version SET version = version + 1; END;
