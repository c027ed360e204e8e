-- Token sets that are to be revoked at their provider (rule 12 of docs/rotation.md). A row outlives the tokens in it: an
-- answer that is replayed from a journal finds that it was dealt with.

CREATE TABLE revocations (
    id                       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16) DEFAULT (randomblob(16)),
    grant_id                 BLOB    NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    tenant                   TEXT    NOT NULL,
    registration             TEXT    NOT NULL,
    lineage                  BLOB    NOT NULL CHECK (length(lineage) = 16),
    -- The attempt the tokens answer; NULL for a set which the grant held.
    attempt                  BLOB    UNIQUE CHECK (length(attempt) = 16),
    -- The access token is sealed for it.
    generation               INTEGER NOT NULL CHECK (generation >= 1),
    refresh_token_generation INTEGER CHECK (refresh_token_generation >= 1),
    access_token             BLOB,
    refresh_token            BLOB,
    created_at               INTEGER NOT NULL,
    -- When to try next; NULL once it has ended.
    due_at                   INTEGER,
    -- The last try, if it failed.
    failure_kind             TEXT,
    failure_at               INTEGER,
    failure_since            INTEGER,
    failure_in_a_row         INTEGER,
    ended_at                 INTEGER,
    outcome                  TEXT    CHECK (outcome IN ('revoked', 'not_supported', 'refused', 'let_go')),
    CHECK ((failure_kind IS NULL) = (failure_at IS NULL)),
    CHECK ((failure_kind IS NULL) = (failure_since IS NULL)),
    CHECK ((failure_kind IS NULL) = (failure_in_a_row IS NULL)),
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    -- What has ended is erased.
    CHECK ((ended_at IS NULL) = (due_at IS NOT NULL AND access_token IS NOT NULL)),
    CHECK (ended_at IS NULL OR (due_at IS NULL AND access_token IS NULL AND refresh_token IS NULL)),
    CHECK ((refresh_token IS NULL) = (refresh_token_generation IS NULL))
) STRICT;

CREATE INDEX revocations_due ON revocations (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX revocations_pending ON revocations (grant_id) WHERE ended_at IS NULL;
CREATE INDEX revocations_ended ON revocations (ended_at) WHERE ended_at IS NOT NULL;
