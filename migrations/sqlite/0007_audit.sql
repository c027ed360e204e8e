-- The audit log. A record is written to the inbox in the transaction of what it tells of; it is soon moved to its
-- tenant's chain.

CREATE TABLE audit_inbox (
    -- In the order of writing, among the rows that are there. AUTOINCREMENT would write a second table with each record.
    id          INTEGER PRIMARY KEY,
    -- Whose log it belongs to; empty for what concerns every tenant. No reference: a record may tell of a tenant that
    -- is not there.
    tenant      TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    -- The caller; NULL for the broker itself.
    principal   TEXT,
    action      TEXT    NOT NULL,
    -- Where it concerned a grant, all of provider, user_id and account; else at most a provider.
    provider    TEXT,
    user_id     TEXT,
    account     TEXT,
    resource    TEXT    NOT NULL,
    generation  INTEGER,
    outcome     TEXT    NOT NULL CHECK (outcome IN ('succeeded', 'denied', 'failed')),
    -- The name of the Reason; empty on success.
    reason      TEXT    NOT NULL CHECK ((outcome = 'succeeded') = (reason = '')),
    purpose     TEXT    NOT NULL,
    -- Tells access tokens apart without telling them.
    fingerprint BLOB    CHECK (length(fingerprint) = 32),
    CHECK ((user_id IS NULL) = (account IS NULL)),
    CHECK (user_id IS NULL OR provider IS NOT NULL)
) STRICT;
