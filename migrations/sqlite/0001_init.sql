-- The store of one broker on one machine.
--
-- Times are microseconds since 1970-01-01T00:00:00Z. Ids are the 16 bytes of a UUID. Scopes are joined by
-- one space, as on the wire (RFC 6749 §3.3). Columns named access_token, refresh_token, client_secret,
-- verifier, envelope and body hold sealed envelopes, never anything readable.
--
-- STRICT: a value of a wrong type is refused when it is written, not found out when it is read.

CREATE TABLE tenants (
    id           TEXT    NOT NULL PRIMARY KEY,
    display_name TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    -- When an operator last changed it. Each change raises the version.
    updated_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE data_keys (
    tenant   TEXT    NOT NULL REFERENCES tenants (id),
    -- The newest key of a tenant has the highest number: it seals, every one of them opens.
    number   INTEGER NOT NULL CHECK (number >= 1),
    -- Stands in every envelope sealed under the key, so it names one key in the whole store.
    id       BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    purpose  TEXT    NOT NULL CHECK (purpose IN ('access', 'rotation')),
    -- Erased when the key is retired: what it had sealed is lost with it.
    envelope BLOB,
    -- The key encryption key it is wrapped under, as its envelope says.
    wrapping_key  TEXT,
    -- The key rotation that made it; NULL for the first keys of a tenant. A rotation makes one for each purpose.
    rotation      BLOB    CHECK (length(rotation) = 16),
    created_at    INTEGER NOT NULL,
    -- When a newer key of its purpose took over.
    superseded_at INTEGER,
    retired_at    INTEGER,
    PRIMARY KEY (tenant, number),
    UNIQUE (tenant, purpose, rotation),
    CHECK ((envelope IS NULL) = (retired_at IS NOT NULL)),
    CHECK ((envelope IS NULL) = (wrapping_key IS NULL))
) STRICT;

-- What is asked for every few seconds: keys made or retired of late.
CREATE INDEX data_keys_created ON data_keys (created_at);
CREATE INDEX data_keys_retired ON data_keys (retired_at) WHERE retired_at IS NOT NULL;

CREATE TABLE client_registrations (
    -- Order of creation, for "the newest" among registrations of one instant.
    number        INTEGER PRIMARY KEY,
    tenant        TEXT    NOT NULL REFERENCES tenants (id),
    provider      TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    -- The number of the last secret it was given: no number is given twice.
    secrets_made  INTEGER NOT NULL CHECK (secrets_made >= 0),
    redirect_uri  TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    return_to     TEXT    NOT NULL CHECK (json_valid(return_to)),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    -- A deleted registration stays behind as a name, without secrets: dead grants and old authorizations are pinned to it.
    deleted_at    INTEGER,
    UNIQUE (tenant, provider, id)
) STRICT;

-- None for a public client. Each is sealed at a place of its own: in another's row it does not open.
CREATE TABLE client_secrets (
    tenant           TEXT    NOT NULL,
    provider         TEXT    NOT NULL,
    registration     TEXT    NOT NULL,
    number           INTEGER NOT NULL CHECK (number >= 1),
    -- Among those that were not refused the lowest is tried first.
    position         INTEGER NOT NULL,
    client_secret    BLOB    NOT NULL,
    created_at       INTEGER NOT NULL,
    -- As often as it is noted, not as often as it happens.
    last_accepted_at INTEGER,
    -- Since it was last accepted.
    refused_at       INTEGER,
    PRIMARY KEY (tenant, provider, registration, number),
    FOREIGN KEY (tenant, provider, registration) REFERENCES client_registrations (tenant, provider, id)
) STRICT, WITHOUT ROWID;

-- Registrations the provider refuses. A row is the pause: no grant of the registration is claimed before canary_at,
-- and one claim, the canary, moves it on.
CREATE TABLE registration_pauses (
    tenant       TEXT    NOT NULL,
    provider     TEXT    NOT NULL,
    registration TEXT    NOT NULL,
    canary_at    INTEGER NOT NULL,
    -- Somebody has told that it is refused.
    told         INTEGER NOT NULL DEFAULT FALSE CHECK (told IN (FALSE, TRUE)),
    -- When it worked again. The row is no pause any more, and waits for somebody who tells so.
    ended_at     INTEGER,
    PRIMARY KEY (tenant, provider, registration),
    FOREIGN KEY (tenant, provider, registration) REFERENCES client_registrations (tenant, provider, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE authorizations (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant       TEXT    NOT NULL,
    provider     TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    registration TEXT    NOT NULL,
    lineage      BLOB    NOT NULL CHECK (length(lineage) = 16),
    redirect_uri TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    -- The state itself is never kept: whoever reads the file cannot answer a redirect with it.
    state_digest BLOB    NOT NULL CHECK (length(state_digest) = 32),
    verifier     BLOB    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('pending', 'exchanging', 'completed', 'denied', 'failed')),
    failure      TEXT,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    -- When it left `pending` for good.
    settled_at   INTEGER,
    CHECK ((status = 'failed') = (failure IS NOT NULL)),
    UNIQUE (tenant, state_digest),
    FOREIGN KEY (tenant, provider, registration) REFERENCES client_registrations (tenant, provider, id)
) STRICT;

-- No token stands here: a row is read by lists and by the scheduler, which have no use for one.
CREATE TABLE grants (
    id                  BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant              TEXT    NOT NULL,
    provider            TEXT    NOT NULL,
    user_id             TEXT    NOT NULL,
    account             TEXT    NOT NULL,
    registration        TEXT    NOT NULL,
    lineage             BLOB    NOT NULL CHECK (length(lineage) = 16),
    -- A grant's row begins with its first token set.
    generation          INTEGER NOT NULL CHECK (generation >= 1),
    lifecycle           TEXT    NOT NULL CHECK (lifecycle IN ('active', 'needs_consent', 'consent_expired',
                                                             'revoking', 'revoked')),
    consent_cause       TEXT,
    phase               TEXT    NOT NULL CHECK (phase IN ('idle', 'claimed', 'sent', 'uncertain', 'suspect')),
    tainted             INTEGER NOT NULL CHECK (tainted IN (0, 1)),
    token_type          TEXT    NOT NULL,
    scopes              TEXT    NOT NULL,
    api_base_url        TEXT,
    issued_at           INTEGER NOT NULL,
    expires_at          INTEGER NOT NULL,
    consented_at        INTEGER NOT NULL,
    dies_at             INTEGER,
    due_at              INTEGER,
    refreshed_at        INTEGER,
    -- Which presentation the present token set answers: of two answers to one refresh token the later one stands.
    adopted_from_generation      INTEGER NOT NULL CHECK (adopted_from_generation >= 0),
    adopted_from_presentation_no INTEGER NOT NULL CHECK (adopted_from_presentation_no >= 1),
    failure_kind        TEXT,
    failure_at          INTEGER,
    failure_oauth_error TEXT,
    failure_http_status INTEGER,
    failure_in_a_row    INTEGER,
    failure_since       INTEGER,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    -- When it was last asked to be revoked; NULL again with a new consent.
    revoked_at          INTEGER,
    -- How its last revocation ended; NULL if there was none, or another one is under way.
    revocation          TEXT CHECK (revocation IN ('revoked', 'not_supported', 'refused')),
    CHECK ((lifecycle = 'needs_consent') = (consent_cause IS NOT NULL)),
    CHECK ((failure_kind IS NULL) = (failure_at IS NULL)),
    CHECK ((failure_kind IS NULL) = (failure_in_a_row IS NULL)),
    CHECK ((failure_kind IS NULL) = (failure_since IS NULL)),
    CHECK (failure_kind IS NOT NULL OR (failure_oauth_error IS NULL AND failure_http_status IS NULL)),
    -- Every look-up is by the full key, tenant first; the same index gives lists their order.
    UNIQUE (tenant, provider, user_id, account),
    FOREIGN KEY (tenant, provider, registration) REFERENCES client_registrations (tenant, provider, id)
) STRICT;

-- One due column, and only live grants in the index: a tick reads what is due and nothing else. A claim moves
-- due_at forward, which takes the grant out of the next tick's range.
CREATE INDEX grants_due ON grants (due_at) WHERE lifecycle = 'active' AND due_at IS NOT NULL;

-- The same range, tenant by tenant and provider by provider: read only while more is due than one tick takes.
CREATE INDEX grants_due_by_lane ON grants (tenant, provider, due_at) WHERE lifecycle = 'active' AND due_at IS NOT NULL;

-- What was revoked of late: asked for with each heartbeat.
CREATE INDEX grants_revoked ON grants (revoked_at) WHERE revoked_at IS NOT NULL;

-- When callers last asked for a grant: of its own, so that noting it never touches what a rotation writes.
CREATE TABLE grants_asked (
    grant_id BLOB    NOT NULL PRIMARY KEY REFERENCES grants (id) ON DELETE CASCADE,
    asked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE grant_secrets (
    grant_id                 BLOB    NOT NULL PRIMARY KEY REFERENCES grants (id) ON DELETE CASCADE,
    -- A kept refresh token stays sealed for the generation it came with, which may be older than the grant's.
    -- The column stands before the envelopes because SQLite reads a row from the left: whether a grant can be
    -- refreshed is known without touching the pages of its tokens.
    refresh_token_generation INTEGER CHECK (refresh_token_generation >= 1),
    -- Always sealed for the grant's own generation. NULL once the grant was revoked.
    access_token             BLOB,
    refresh_token            BLOB,
    CHECK (access_token IS NOT NULL OR refresh_token IS NULL),
    CHECK ((refresh_token IS NULL) = (refresh_token_generation IS NULL))
) STRICT;

-- One row for every call of a token endpoint that may answer with a refresh token.
CREATE TABLE attempts (
    id                 BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant             TEXT    NOT NULL,
    provider           TEXT    NOT NULL,
    user_id            TEXT    NOT NULL,
    account            TEXT    NOT NULL,
    -- No foreign key: the grant of a first code exchange has no row until its answer is adopted.
    grant_id           BLOB    NOT NULL CHECK (length(grant_id) = 16),
    kind               TEXT    NOT NULL CHECK (kind IN ('refresh', 'code_exchange')),
    authorization_id   BLOB    CHECK (length(authorization_id) = 16),
    registration       TEXT    NOT NULL,
    lineage            BLOB    NOT NULL CHECK (length(lineage) = 16),
    generation         INTEGER NOT NULL CHECK (generation >= 0),
    presentation_no    INTEGER NOT NULL CHECK (presentation_no >= 1),
    owner              BLOB    NOT NULL CHECK (length(owner) = 16),
    claimed_at         INTEGER NOT NULL,
    -- NULL proves that not one byte of the request was written.
    sent_at            INTEGER,
    -- NULL while the attempt is open.
    closed_at          INTEGER,
    conclusion         TEXT,
    adopted_generation INTEGER CHECK (adopted_generation >= 1),
    -- When its grant was revoked, if that was after it was claimed: its answer is not kept, but revoked too.
    revoked_at         INTEGER,
    CHECK ((kind = 'code_exchange') = (authorization_id IS NOT NULL)),
    CHECK ((closed_at IS NULL) = (conclusion IS NULL)),
    CHECK (adopted_generation IS NULL OR closed_at IS NOT NULL),
    UNIQUE (grant_id, generation, presentation_no)
) STRICT;

-- At most one open refresh per grant: two would present one refresh token twice. Code exchanges are left out.
-- They present a code of their own, and a user who consents again must not wait for an old refresh whose
-- outcome nobody knows.
CREATE UNIQUE INDEX attempts_one_open_refresh ON attempts (grant_id) WHERE closed_at IS NULL AND kind = 'refresh';

-- What a start has to settle, however many closed attempts are kept.
CREATE INDEX attempts_open ON attempts (owner) WHERE closed_at IS NULL;

-- What was concluded of late, for the breaker; and what is old enough to be deleted.
CREATE INDEX attempts_closed ON attempts (closed_at, provider) WHERE closed_at IS NOT NULL;
CREATE INDEX attempts_bad ON attempts (provider, conclusion, closed_at, tenant)
    WHERE conclusion IN ('dead_token', 'unreadable');

-- Answers nobody could read when they came, sealed as in the escrow, for whoever can.
CREATE TABLE unread_answers (
    attempt_id  BLOB    NOT NULL PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    status      INTEGER NOT NULL CHECK (status BETWEEN 0 AND 999),
    received_at INTEGER NOT NULL,
    body        BLOB    NOT NULL
) STRICT;

-- One row. The id is the store's: a copy of the file has it too, until it is declared the only one.
CREATE TABLE installation (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    id       BLOB    NOT NULL CHECK (length(id) = 16),
    -- Which history of the store this is. It moves when a process finds that commits it has seen are gone.
    epoch    INTEGER NOT NULL CHECK (epoch >= 1),
    -- Heartbeats so far. A process that has seen a higher number is on a file that was put back.
    beats    INTEGER NOT NULL CHECK (beats >= 0)
) STRICT;

INSERT INTO installation VALUES (1, randomblob(16), 1, 0);

-- The runs of broker processes, in the order of their joining.
CREATE TABLE replicas (
    number         INTEGER PRIMARY KEY,
    incarnation    BLOB    NOT NULL UNIQUE CHECK (length(incarnation) = 16),
    escrow         BLOB    NOT NULL CHECK (length(escrow) = 16),
    started_at     INTEGER NOT NULL,
    heartbeat_at   INTEGER NOT NULL,
    -- The number of its last heartbeat, of those counted in `installation`.
    last_beat      INTEGER NOT NULL,
    -- The last epoch in which its journal was replayed, by this run or the one before it; -1 for none.
    replayed_epoch INTEGER NOT NULL,
    -- Since when its journal is known to hold nothing the store lacks.
    drained_at     INTEGER,
    -- It found rotations whose journals it does not have, and nobody who knows of them was heard since: it does not claim
    -- and vouches for nobody.
    unvouched      INTEGER NOT NULL DEFAULT FALSE CHECK (unvouched IN (FALSE, TRUE))
) STRICT;

CREATE INDEX replicas_escrow ON replicas (escrow);

-- Breakers that are open. A row is the breaker.
CREATE TABLE provider_breakers (
    provider           TEXT    NOT NULL PRIMARY KEY,
    opened_at          INTEGER NOT NULL,
    last_bad_at        INTEGER NOT NULL,
    suspects_refreshed INTEGER NOT NULL CHECK (suspects_refreshed >= 0)
) STRICT, WITHOUT ROWID;
