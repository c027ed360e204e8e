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

-- The chains of records: one for each tenant, and one named '' for the installation. Nothing here is ever updated or
-- deleted. Columns are as in the inbox, without its checks: what a foreign hand writes must be readable to be found.
CREATE TABLE audit_records (
    chain         TEXT    NOT NULL,
    sequence      INTEGER NOT NULL,
    tenant        TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    principal     TEXT,
    action        TEXT    NOT NULL,
    provider      TEXT,
    user_id       TEXT,
    account       TEXT,
    resource      TEXT    NOT NULL,
    generation    INTEGER,
    outcome       TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    purpose       TEXT    NOT NULL,
    fingerprint   BLOB,
    previous_hash BLOB    NOT NULL,
    hash          BLOB    NOT NULL,
    PRIMARY KEY (chain, sequence)
) STRICT, WITHOUT ROWID;

-- Where each chain was begun is noted in that of the installation.
CREATE INDEX audit_records_of_beginnings ON audit_records (tenant) WHERE chain = '' AND action = 'begin_chain';

-- The last record of each chain. Whoever appends exchanges it.
CREATE TABLE audit_heads (
    chain    TEXT    NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    mac      BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- Every so many records, what the last of them was.
CREATE TABLE audit_checkpoints (
    chain    TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    mac      BLOB    NOT NULL,
    PRIMARY KEY (chain, sequence)
) STRICT, WITHOUT ROWID;

-- The keys of the audit log, wrapped. One of purpose 'rotation' makes the hashes of records, one of purpose 'access' the
-- fingerprints of tokens.
CREATE TABLE audit_keys (
    purpose      TEXT    NOT NULL PRIMARY KEY CHECK (purpose IN ('access', 'rotation')),
    id           BLOB    NOT NULL CHECK (length(id) = 16),
    envelope     BLOB    NOT NULL,
    wrapping_key TEXT    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
