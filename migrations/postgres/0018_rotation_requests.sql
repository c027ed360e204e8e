-- Rotations that processes without refresh tokens ask for, and how they ended. No secret stands here.
--
-- Expand: everything here is new.

CREATE TABLE rotation_requests (
    grant_id     uuid   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    -- The generation who asked has seen. However many ask for it, there is one request.
    generation   bigint NOT NULL CHECK (generation >= 0),
    tenant       text COLLATE "C" NOT NULL,
    -- How often it was begun, and which of these rounds was answered last.
    round        bigint NOT NULL CHECK (round >= 1),
    answered     bigint NOT NULL CHECK (answered BETWEEN 0 AND round),
    requested_at bigint NOT NULL,
    -- After this time nobody waits for it.
    wanted_until bigint NOT NULL,
    -- When a rotator took this round.
    taken_at     bigint,
    answer       text CHECK (answer IN ('adopted', 'unchanged', 'refused', 'still_running', 'registration_paused',
                                        'refresh_paused', 'provider_rests', 'backend_unavailable', 'keys_exhausted', 'internal')),
    -- Until when nothing is tried again, where the answer says so.
    answer_until bigint,
    PRIMARY KEY (grant_id, generation),
    CHECK ((answered = 0) = (answer IS NULL)),
    CHECK ((answer IN ('registration_paused', 'refresh_paused', 'provider_rests')) = (answer_until IS NOT NULL)
           OR answer IS NULL)
);

-- What rotators take, longest waiting first: a few rows, however many were answered.
CREATE INDEX rotation_requests_open ON rotation_requests (requested_at) WHERE round > answered;
CREATE INDEX rotation_requests_old ON rotation_requests (wanted_until);
