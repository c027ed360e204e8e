-- Joining the fleet, and heartbeats.
--
-- Expand: everything here is new.

-- Counts a heartbeat, and notices a store that was put back: `seen_beats` and `seen_regressions` are the highest numbers
-- the caller has seen. Then the history is a new one, under a number that no history the caller knew of has had.
CREATE FUNCTION beat(
    seen_beats bigint, seen_regressions bigint,
    OUT installation_id uuid, OUT beats_now bigint, OUT regressions_now bigint, OUT epoch bigint
) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE installation i SET
        beats = greatest(i.beats, seen_beats) + 1,
        regressions = CASE WHEN i.beats < seen_beats THEN greatest(i.regressions, seen_regressions) + 1
                           ELSE i.regressions END
    RETURNING i.id, i.beats, i.regressions INTO installation_id, beats_now, regressions_now;
    epoch := store_timeline() << 32 | regressions_now;
END $$;

-- Notes the replica and tells it what stands beside it. A replica that is there keeps its place in the order of joining.
-- Its journal counts as replayed when the run before on the same one was, at once where there was none, and not before
-- it was if the replica joins again. An attempt that was sent is closed no earlier than that, so the indexes of open and
-- of closed attempts find it; whose owner has no row was drained and forgotten.
CREATE FUNCTION join_fleet(
    joining uuid, journal uuid, joined_at bigint, rejoins boolean, rotated_since bigint, beat_number bigint,
    present_epoch bigint,
    OUT escrow_known boolean, OUT undrained_rotations boolean
) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO replicas (incarnation, escrow_id, started_at, heartbeat_at, last_beat, replayed_epoch)
    VALUES (joining, journal, joined_at, joined_at, beat_number, CASE WHEN rejoins THEN -1 ELSE coalesce(
        (SELECT r.replayed_epoch FROM replicas r WHERE r.escrow_id = journal ORDER BY r.number DESC LIMIT 1),
        present_epoch) END)
    ON CONFLICT (incarnation) DO NOTHING;
    escrow_known := EXISTS (SELECT 1 FROM replicas r WHERE r.escrow_id = journal AND r.incarnation <> joining
                                                      AND NOT r.unvouched);
    undrained_rotations :=
        EXISTS (SELECT 1 FROM replicas r WHERE r.incarnation <> joining AND r.drained_at IS NULL)
        AND (EXISTS (SELECT 1 FROM attempts a JOIN replicas r ON r.incarnation = a.owner
                     WHERE a.closed_at IS NULL AND a.kind = 'refresh' AND a.sent_at >= rotated_since
                       AND r.drained_at IS NULL AND a.owner <> joining)
             OR EXISTS (SELECT 1 FROM attempts a JOIN replicas r ON r.incarnation = a.owner
                        WHERE a.closed_at >= rotated_since AND a.kind = 'refresh' AND a.sent_at >= rotated_since
                          AND r.drained_at IS NULL AND a.owner <> joining));
    -- Kept, so that neither this replica nor another one takes it for a witness later.
    IF undrained_rotations AND NOT escrow_known THEN
        UPDATE replicas r SET unvouched = true WHERE r.incarnation = joining;
    END IF;
END $$;

-- A replica that lives may write to its journal: unless it has left it counts as drained no more, as it does when the
-- store was declared the only copy meanwhile.
--
-- How many are alive, who was heard last, and how many journals may hold what this epoch lacks. A drained one does not:
-- what it held was committed before the mark, and commits are lost from the end.
CREATE FUNCTION heartbeat(
    of_incarnation uuid, beat_at bigint, alive_since bigint, recent bigint, beat_number bigint, present_epoch bigint,
    OUT known boolean, OUT alive bigint, OUT others_beat bigint, OUT replays_pending bigint, OUT store_time bigint
) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE replicas r SET heartbeat_at = beat_at,
                          last_beat = beat_number,
                          drained_at = CASE WHEN r.ended_at IS NOT NULL THEN r.drained_at END
    WHERE r.incarnation = of_incarnation;
    known := FOUND;
    SELECT count(*) FILTER (WHERE r.drained_at IS NULL AND r.heartbeat_at >= alive_since),
           coalesce(max(r.last_beat) FILTER (WHERE r.incarnation <> of_incarnation AND NOT r.unvouched), 0),
           count(DISTINCT r.escrow_id) FILTER (
               WHERE r.drained_at IS NULL AND r.heartbeat_at >= recent AND r.replayed_epoch <> present_epoch)
    INTO alive, others_beat, replays_pending FROM replicas r;
    store_time := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
END $$;
