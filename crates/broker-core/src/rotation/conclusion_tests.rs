use std::collections::HashMap;

use super::*;
use crate::{
    AccountLabel, Generation, GrantKey, LineageId, ProviderName, RegistrationId, ReusePolicy, TenantId,
    UserId,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const SINGLE_USE: RotationMode = RotationMode::SingleUse(ReusePolicy::Unknown);

fn grant() -> Grant {
    let key = GrantKey {
        tenant: TenantId::new("t").unwrap(),
        provider: ProviderName::new("p").unwrap(),
        user: UserId::new("u").unwrap(),
        account: AccountLabel::default_label(),
    };
    Grant {
        id: key.grant_id(),
        key,
        registration: RegistrationId::new("r").unwrap(),
        lineage: LineageId::from_bytes([1; 16]),
        generation: Generation::new(1),
        lifecycle: Lifecycle::Active,
        phase: Phase::Idle,
        tainted: false,
        refreshable: true,
        token_type: "Bearer".into(),
        scopes: vec![],
        api_base_url: None,
        issued_at: NOW - Duration::from_secs(3600),
        expires_at: NOW,
        consented_at: NOW - Duration::from_secs(86_400),
        dies_at: None,
        due_at: None,
        refreshed_at: None,
        last_failure: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn after(before: &Grant, mode: RotationMode, kind: FailureKind) -> GrantAfter {
    conclude(before, mode, &ProviderFailure::of(kind), NOW, &Timing::default(), 0.5)
}

fn wait(after: &GrantAfter) -> u64 {
    after.due_at.unwrap().since(NOW).as_secs()
}

#[test]
fn a_dead_token_is_confirmed_once_before_the_user_is_asked() {
    let first = after(&grant(), SINGLE_USE, FailureKind::DeadToken);
    assert_eq!((first.lifecycle, first.phase, wait(&first)), (Lifecycle::Active, Phase::Suspect, 60));
    let suspect = Grant { phase: Phase::Suspect, ..grant() };
    let second = after(&suspect, SINGLE_USE, FailureKind::DeadToken);
    assert_eq!(second.lifecycle, Lifecycle::NeedsConsent(ConsentCause::Revoked));
    assert_eq!(second.due_at, None);
}

#[test]
fn a_dead_token_after_a_lost_answer_is_a_lost_rotation() {
    let tainted = Grant { tainted: true, phase: Phase::Uncertain, ..grant() };
    let end = after(&tainted, SINGLE_USE, FailureKind::DeadToken);
    assert_eq!(end.lifecycle, Lifecycle::NeedsConsent(ConsentCause::LostRotation));
}

#[test]
fn a_dead_token_past_the_window_is_the_end_of_the_window() {
    let over = Grant { dies_at: Some(NOW), ..grant() };
    assert_eq!(after(&over, SINGLE_USE, FailureKind::DeadToken).lifecycle, Lifecycle::ConsentExpired);
    let not_yet = Grant { dies_at: Some(NOW + Duration::from_secs(1)), ..grant() };
    assert_eq!(after(&not_yet, SINGLE_USE, FailureKind::DeadToken).phase, Phase::Suspect);
}

#[test]
fn an_uncertain_outcome_taints_by_rotation_mode() {
    let modes = HashMap::from([
        ("single use", (SINGLE_USE, true, 120)),
        ("grace", (RotationMode::Grace(Duration::from_secs(30)), true, 0)),
    ]);
    for (name, (mode, tainted, waits)) in modes {
        let end = after(&grant(), mode, FailureKind::Uncertain);
        assert_eq!((end.tainted, end.phase, wait(&end)), (tainted, Phase::Uncertain, waits), "{name}");
    }
    let reusable = after(&grant(), RotationMode::Reusable, FailureKind::Uncertain);
    assert_eq!((reusable.tainted, reusable.phase), (false, Phase::Idle));
    assert!(wait(&reusable) <= 5);
}

#[test]
fn probes_back_off_to_an_hour_and_never_come_sooner_than_the_orphan_wait() {
    let mut before = grant();
    let mut waits = vec![];
    for _ in 0..8 {
        let end = after(&before, SINGLE_USE, FailureKind::Uncertain);
        waits.push(wait(&end));
        before = Grant { tainted: true, phase: end.phase, last_failure: end.failure, ..before };
    }
    assert_eq!(waits, [120, 240, 480, 960, 1920, 3600, 3600, 3600]);
}

#[test]
fn failures_of_another_kind_do_not_lengthen_the_first_probe() {
    let last = LastFailure {
        kind: FailureKind::Unreachable,
        at: NOW,
        oauth_error: None,
        http_status: None,
        in_a_row: 6,
    };
    let before = Grant { last_failure: Some(last), ..grant() };
    assert_eq!(wait(&after(&before, SINGLE_USE, FailureKind::Uncertain)), 120);
}

#[test]
fn where_reuse_is_only_rejected_a_probe_need_not_wait_for_orphans() {
    let mode = RotationMode::SingleUse(ReusePolicy::Reject);
    let end = after(&grant(), mode, FailureKind::Uncertain);
    assert!(wait(&end) <= 5 && end.tainted);
}

#[test]
fn a_definitive_failure_burns_nothing_and_keeps_doubt_and_suspicion() {
    use FailureKind::{ClientRejected, Refused, Throttled, UnlabelledRefusal, Unreachable};
    for kind in [ClientRejected, Refused, Throttled, UnlabelledRefusal, Unreachable] {
        for (phase, tainted) in [(Phase::Idle, false), (Phase::Suspect, false), (Phase::Uncertain, true)] {
            let before = Grant { phase, tainted, ..grant() };
            let end = after(&before, SINGLE_USE, kind);
            assert_eq!(
                (end.lifecycle, end.phase, end.tainted),
                (Lifecycle::Active, phase, tainted),
                "{kind:?}"
            );
            assert!(wait(&end) <= 5, "{kind:?}");
        }
    }
}

#[test]
fn retry_after_is_obeyed() {
    let failure = ProviderFailure {
        retry_after: Some(Duration::from_secs(90)),
        ..ProviderFailure::of(FailureKind::Throttled)
    };
    let end = conclude(&grant(), SINGLE_USE, &failure, NOW, &Timing::default(), 0.0);
    assert_eq!(wait(&end), 90);
}
