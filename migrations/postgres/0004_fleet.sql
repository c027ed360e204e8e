-- How the fleet stands, and which history of the store this is.
--
-- Expand: everything here is new.

-- The store's epoch (rule 16 of docs/rotation.md) is `timeline << 32 | regressions`. It changes
--   * with the timeline of the write-ahead log, which a promotion moves: no claim made in the old primary's epoch is
--     granted by the new one, not even the first;
--   * with `regressions`, when a replica has seen a higher `beats` than stands here: a restore, or a storage fail-over
--     that keeps the timeline. Every claim carries the highest number its replica has seen.
CREATE TABLE installation (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- A copy of the database has it too, until it is declared the only one.
    id          uuid    NOT NULL DEFAULT gen_random_uuid(),
    -- Heartbeats so far.
    beats       bigint  NOT NULL DEFAULT 0,
    regressions bigint  NOT NULL DEFAULT 0 CHECK (regressions BETWEEN 0 AND 4294967295),
    -- The oldest schema a program may know and still use this one: a contract step raises it.
    oldest_program bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 10);

INSERT INTO installation DEFAULT VALUES;

-- The runs of broker processes, in the order of their joining.
CREATE TABLE replicas (
    incarnation    uuid    PRIMARY KEY,
    number         bigint  GENERATED ALWAYS AS IDENTITY UNIQUE,
    escrow_id      uuid    NOT NULL,
    started_at     bigint  NOT NULL,
    heartbeat_at   bigint  NOT NULL,
    -- The number of its last heartbeat, of those counted in `installation`.
    last_beat      bigint  NOT NULL,
    -- The last epoch in which its journal was replayed; -1 for none.
    replayed_epoch bigint  NOT NULL,
    -- Since when its journal is known to hold nothing the store lacks.
    drained_at     bigint,
    -- When it left in order.
    ended_at       bigint,
    -- It found rotations whose journals it does not have, and nobody who knows of them was heard since: it does not claim
    -- and vouches for nobody.
    unvouched      boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

CREATE INDEX replicas_escrow ON replicas (escrow_id);

-- Breakers that are open. A row is the breaker.
CREATE TABLE provider_breakers (
    provider           text COLLATE "C" PRIMARY KEY,
    opened_at          bigint  NOT NULL,
    last_bad_at        bigint  NOT NULL,
    suspects_refreshed integer NOT NULL CHECK (suspects_refreshed >= 0)
);

-- The epoch that writes belong to now. A managed service that hides its write-ahead log has timeline 0 for ever, and
-- the counter alone decides.
CREATE FUNCTION store_timeline() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint;
EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function THEN
    RETURN 0;
END $$;

CREATE FUNCTION store_epoch() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT store_timeline() << 32 | regressions FROM installation
$$;
