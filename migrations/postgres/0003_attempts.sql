-- One row for every call of a token endpoint that may answer with a refresh token.
--
-- Expand: everything here is new.

CREATE TABLE attempts (
    id                 uuid    PRIMARY KEY,
    -- Order in which the store saw them: of two consents the later one stands, whatever the clocks say.
    number             bigint  GENERATED ALWAYS AS IDENTITY,
    tenant             text COLLATE "C" NOT NULL,
    provider           text COLLATE "C" NOT NULL,
    user_id            text COLLATE "C" NOT NULL,
    account            text COLLATE "C" NOT NULL,
    -- No foreign key: the grant of a first code exchange has no row until its answer is adopted.
    grant_id           uuid    NOT NULL,
    kind               text    NOT NULL CHECK (kind IN ('refresh', 'code_exchange')),
    authorization_id   uuid,
    registration       text COLLATE "C" NOT NULL,
    lineage            uuid    NOT NULL,
    generation         bigint  NOT NULL CHECK (generation >= 0),
    presentation_no    integer NOT NULL CHECK (presentation_no >= 1),
    owner              uuid    NOT NULL,
    claimed_at         bigint  NOT NULL,
    -- NULL proves that not one byte of the request was written.
    sent_at            bigint,
    -- NULL while the attempt is open.
    closed_at          bigint,
    conclusion         text,
    adopted_generation bigint  CHECK (adopted_generation >= 1),
    -- When its grant was revoked, if that was after it was claimed: its answer is not kept, but revoked too.
    revoked_at         bigint,
    CHECK ((kind = 'code_exchange') = (authorization_id IS NOT NULL)),
    CHECK ((closed_at IS NULL) = (conclusion IS NULL)),
    CHECK (adopted_generation IS NULL OR closed_at IS NOT NULL),
    UNIQUE (grant_id, generation, presentation_no)
) WITH (
    -- Room for the update that marks SENT, which touches no index.
    fillfactor = 75,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);

-- At most one open refresh per grant: two would present one refresh token twice. Code exchanges are left out. They
-- present a code of their own, and a user who consents again must not wait for an old refresh whose outcome nobody
-- knows.
CREATE UNIQUE INDEX attempts_one_open_refresh ON attempts (grant_id) WHERE closed_at IS NULL AND kind = 'refresh';

-- What recovery has to settle, however many closed attempts are kept. Only for queries that name an owner: with its
-- second condition it is no choice for those that look for one attempt or one grant, and find this small index cheap to
-- read as a whole, again and again.
CREATE INDEX attempts_open ON attempts (owner) WHERE closed_at IS NULL AND owner IS NOT NULL;

-- What was concluded of late, for the breaker; and what is old enough to be deleted.
CREATE INDEX attempts_closed ON attempts (closed_at, provider) WHERE closed_at IS NOT NULL;
CREATE INDEX attempts_bad ON attempts (provider, conclusion, closed_at, tenant)
    WHERE conclusion IN ('dead_token', 'unreadable');

-- Answers nobody could read when they came, sealed as in the escrow, for whoever can.
CREATE TABLE unread_answers (
    attempt_id  uuid    PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    tenant      text COLLATE "C" NOT NULL,
    status      integer NOT NULL CHECK (status BETWEEN 0 AND 999),
    received_at bigint  NOT NULL,
    body        bytea   NOT NULL
);

-- Registrations that their provider refuses. Until `canary_at` no grant of theirs is claimed; then one is, and the time
-- moves on.
CREATE TABLE registration_pauses (
    tenant       text COLLATE "C" NOT NULL,
    provider     text COLLATE "C" NOT NULL,
    registration text COLLATE "C" NOT NULL,
    paused_at    bigint  NOT NULL,
    canary_at    bigint  NOT NULL,
    -- How often it was refused since it last worked.
    times        integer NOT NULL CHECK (times >= 1),
    -- Some replica has told that it is refused.
    told         boolean NOT NULL DEFAULT false,
    -- When it worked again. The row is no pause any more, and waits for a replica that tells so.
    ended_at     bigint,
    PRIMARY KEY (tenant, provider, registration),
    FOREIGN KEY (tenant, provider, registration) REFERENCES client_registrations (tenant, provider, id)
);
