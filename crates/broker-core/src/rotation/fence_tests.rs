use super::*;
use crate::rotation::samples::sample_attempt;
use crate::{Attempt, AttemptPhase};

const SENT: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const REJECT: RotationMode = RotationMode::SingleUse(ReusePolicy::Reject);
const REVOKE: RotationMode = RotationMode::SingleUse(ReusePolicy::RevokeFamily);
const UNKNOWN: RotationMode = RotationMode::SingleUse(ReusePolicy::Unknown);
const GRACE: RotationMode = RotationMode::Grace(Duration::from_secs(30));

fn sent() -> Orphan {
    let attempt =
        Attempt { claimed_at: SENT, sent_at: Some(SENT), phase: AttemptPhase::Sent, ..sample_attempt() };
    let owner = OwnerFate { escrow: None, last_heartbeat: Some(SENT), drained_at: None };
    Orphan { attempt, first_sent_at: Some(SENT), owner }
}

fn drained(orphan: Orphan) -> Orphan {
    Orphan { owner: OwnerFate { drained_at: Some(SENT), ..orphan.owner }, ..orphan }
}

fn at(orphan: &Orphan, mode: RotationMode, seconds: u64) -> Fence {
    fence(orphan, mode, SENT + Duration::from_secs(seconds), &Timing::default())
}

#[test]
fn what_was_not_sent_is_given_back_once_the_lease_is_over_or_the_journal_drained() {
    let mut orphan = sent();
    orphan.attempt.sent_at = None;
    assert_eq!((at(&orphan, REVOKE, 59), at(&orphan, REVOKE, 60)), (Fence::Wait, Fence::Unsent));
    assert_eq!(at(&drained(orphan), REVOKE, 0), Fence::Unsent);
}

#[test]
fn a_reusable_token_is_free_at_once_and_a_grace_token_within_its_grace() {
    assert_eq!(at(&sent(), RotationMode::Reusable, 0), Fence::InDoubt);
    assert_eq!((at(&sent(), GRACE, 28), at(&sent(), GRACE, 29)), (Fence::InDoubt, Fence::Wait));
    let mut replay = sent();
    replay.first_sent_at = Some(SENT - Duration::from_secs(20));
    assert_eq!((at(&replay, GRACE, 8), at(&replay, GRACE, 9)), (Fence::InDoubt, Fence::Wait));
}

#[test]
fn past_its_grace_a_token_waits_like_a_single_use_one() {
    assert_eq!(at(&drained(sent()), GRACE, 119), Fence::Wait);
    assert_eq!(at(&drained(sent()), GRACE, 120), Fence::InDoubt);
}

#[test]
fn a_token_whose_reuse_is_only_refused_waits_for_the_journal_alone() {
    assert_eq!(at(&sent(), REJECT, 607), Fence::Wait);
    assert_eq!(at(&sent(), REJECT, 608), Fence::InDoubt, "escrow_wait after death detection");
    assert_eq!(at(&drained(sent()), REJECT, 0), Fence::InDoubt);
}

#[test]
fn a_token_whose_reuse_may_cost_the_family_also_waits_for_orphaned_requests() {
    for mode in [REVOKE, UNKNOWN] {
        assert_eq!(at(&drained(sent()), mode, 119), Fence::Wait, "{mode:?}");
        assert_eq!(at(&drained(sent()), mode, 120), Fence::InDoubt, "{mode:?}");
        assert_eq!(at(&sent(), mode, 300), Fence::Wait, "{mode:?}: its answer may lie in a journal");
    }
}

#[test]
fn an_owner_that_was_heard_of_later_is_waited_for_longer() {
    let mut orphan = sent();
    orphan.owner.last_heartbeat = Some(SENT + Duration::from_secs(100));
    assert_eq!(at(&orphan, REJECT, 707), Fence::Wait);
    assert_eq!(at(&orphan, REJECT, 708), Fence::InDoubt);
}
