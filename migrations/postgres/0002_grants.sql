-- Grants, in four tables by who writes them how often: what a grant is, where it stands in the rotation protocol, its
-- sealed tokens, and when callers asked for it.
--
-- Expand: everything here is new.

CREATE TABLE grants (
    -- Derived from the key: whoever knows the key knows the id.
    id                  uuid   PRIMARY KEY,
    tenant              text COLLATE "C" NOT NULL,
    provider            text COLLATE "C" NOT NULL,
    user_id             text COLLATE "C" NOT NULL,
    account             text COLLATE "C" NOT NULL,
    registration        text COLLATE "C" NOT NULL,
    token_type          text   NOT NULL,
    scopes              text   NOT NULL,
    api_base_url        text,
    issued_at           bigint NOT NULL,
    expires_at          bigint NOT NULL,
    consented_at        bigint NOT NULL,
    dies_at             bigint,
    -- The part of it that no refresh moves, and the part that every refresh begins anew (a duration).
    authorization_ends_at bigint,
    refresh_token_timeout bigint,
    -- When a notice of the end may be due; NULL if none is left.
    notice_at           bigint,
    -- The last notice given since the consent, by how long before the end it was due.
    noticed             bigint,
    refreshed_at        bigint,
    failure_kind        text,
    failure_at          bigint,
    failure_since       bigint,
    failure_in_a_row    bigint,
    failure_oauth_error text,
    failure_http_status integer,
    created_at          bigint NOT NULL,
    -- When it was last asked to be revoked; NULL again with a new consent.
    revoked_at          bigint,
    -- Whose account at the provider it is of: a code under a key of the installation. NULL while it is not known.
    upstream_account    bytea  CHECK (length(upstream_account) = 32),
    -- Of the refresh token that began the present lineage; NULL where two grants may share one.
    refresh_token_fingerprint bytea CHECK (length(refresh_token_fingerprint) = 32),
    -- How its last revocation ended; NULL if there was none, or another one is under way.
    revocation          text   CHECK (revocation IN ('revoked', 'not_supported', 'refused')),
    CHECK (num_nulls(failure_kind, failure_at, failure_since, failure_in_a_row) IN (0, 4)),
    CHECK (failure_kind IS NOT NULL OR num_nonnulls(failure_oauth_error, failure_http_status) = 0),
    -- Tenant first; lists have their order from it.
    UNIQUE (tenant, provider, user_id, account),
    FOREIGN KEY (tenant, provider, registration) REFERENCES client_registrations (tenant, provider, id)
) WITH (fillfactor = 70);

-- The schedule and the protocol's state, narrow, and written by nothing but the protocol's steps. Every step that
-- changes a grant locks its row here first: what is read under that lock is true until the step commits.
CREATE TABLE grant_rotation (
    grant_id       uuid    PRIMARY KEY REFERENCES grants (id) ON DELETE CASCADE,
    tenant         text COLLATE "C" NOT NULL,
    provider       text COLLATE "C" NOT NULL,
    lineage        uuid    NOT NULL,
    -- A grant's row begins with its first token set.
    generation     bigint  NOT NULL CHECK (generation >= 1),
    lifecycle      text    NOT NULL CHECK (lifecycle IN ('active', 'needs_consent', 'consent_expired', 'revoking', 'revoked')),
    consent_cause  text,
    phase          text    NOT NULL CHECK (phase IN ('idle', 'claimed', 'sent', 'uncertain', 'suspect')),
    tainted        boolean NOT NULL,
    due_at         bigint,
    -- The presentation the present token set answers: at which generation, and its number.
    adopted_from_generation      bigint  NOT NULL,
    adopted_from_presentation_no integer NOT NULL,
    updated_at     bigint  NOT NULL,
    CHECK ((lifecycle = 'needs_consent') = (consent_cause IS NOT NULL))
) WITH (
    fillfactor = 60,
    -- Dead entries of the due index halve the claim rate until they are swept.
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05
);

-- Only live grants: a tick reads what is due and nothing else. A claim moves due_at forward, which takes the grant out
-- of the next tick's range.
CREATE INDEX grants_due ON grant_rotation (due_at) WHERE lifecycle = 'active' AND due_at IS NOT NULL;
CREATE INDEX grants_due_by_lane ON grant_rotation (tenant, provider, due_at)
    WHERE lifecycle = 'active' AND due_at IS NOT NULL;

CREATE TABLE grant_secrets (
    grant_id                 uuid   PRIMARY KEY REFERENCES grants (id) ON DELETE CASCADE,
    tenant                   text COLLATE "C" NOT NULL,
    -- A kept refresh token stays sealed for the generation it came with, which may be older than the grant's.
    refresh_token_generation bigint CHECK (refresh_token_generation >= 1),
    -- Always sealed for the grant's own generation. NULL once the grant was revoked.
    access_token             bytea,
    refresh_token            bytea,
    CHECK (access_token IS NOT NULL OR refresh_token IS NULL),
    CHECK ((refresh_token IS NULL) = (refresh_token_generation IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Envelopes do not compress: trying to is lost time.
ALTER TABLE grant_secrets ALTER COLUMN access_token SET STORAGE EXTERNAL;
ALTER TABLE grant_secrets ALTER COLUMN refresh_token SET STORAGE EXTERNAL;

-- What was revoked of late: every replica asks for it with each heartbeat.
CREATE INDEX grants_revoked ON grants (revoked_at) WHERE revoked_at IS NOT NULL;

-- When callers last asked for a grant.
CREATE TABLE grant_use (
    grant_id uuid   PRIMARY KEY REFERENCES grants (id) ON DELETE CASCADE,
    tenant   text COLLATE "C" NOT NULL,
    asked_at bigint NOT NULL
) WITH (fillfactor = 70);

-- A grant without its tokens, as every read of one has it.
CREATE VIEW grant_rows AS
    SELECT g.id, g.tenant, g.provider, g.user_id, g.account, g.registration, r.lineage, r.generation, r.lifecycle,
           r.consent_cause, r.phase, r.tainted, s.refresh_token_generation, g.token_type, g.scopes, g.api_base_url,
           g.issued_at, g.expires_at, g.consented_at, g.dies_at, r.due_at, g.refreshed_at, g.failure_kind,
           g.failure_at, g.failure_since, g.failure_in_a_row, g.failure_oauth_error, g.failure_http_status,
           g.created_at, r.updated_at, g.revocation, g.upstream_account
    FROM grants g
    JOIN grant_rotation r ON r.grant_id = g.id
    JOIN grant_secrets s ON s.grant_id = g.id;
