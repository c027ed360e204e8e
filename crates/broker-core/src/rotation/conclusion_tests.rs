use super::*;
use crate::rotation::samples::{NOW, sample_grant};

const SINGLE_USE: RotationMode = RotationMode::SingleUse(ReusePolicy::Unknown);
const GRACE: RotationMode = RotationMode::Grace(Duration::from_secs(30));
const HOUR: Duration = Duration::from_secs(3600);

fn of(before: &Grant, mode: RotationMode) -> Circumstances<'_> {
    Circumstances {
        before,
        mode,
        sent_at: Some(NOW),
        now: NOW,
        breaker_open: false,
        registration_works: false,
        another_secret: false,
        draw: 0.5,
    }
}

fn judge(kind: FailureKind, of: Circumstances<'_>) -> Conclusion {
    conclude(&ProviderFailure::of(kind), of, &Timing::default())
}

fn after(before: &Grant, mode: RotationMode, kind: FailureKind) -> GrantAfter {
    judge(kind, of(before, mode)).after
}

fn wait(after: &GrantAfter) -> u64 {
    after.due_at.unwrap().since(NOW).as_secs()
}

fn failed(kind: FailureKind, in_a_row: u32, since: Timestamp) -> LastFailure {
    LastFailure { kind, at: NOW, oauth_error: None, http_status: None, in_a_row, since }
}

#[test]
fn a_dead_token_is_confirmed_once_before_the_user_is_asked() {
    let fresh = sample_grant();
    let first = judge(FailureKind::DeadToken, of(&fresh, SINGLE_USE));
    let grant = &first.after;
    assert_eq!((grant.lifecycle, grant.phase, wait(grant)), (Lifecycle::Active, Phase::Suspect, 60));
    let suspect = Grant { phase: Phase::Suspect, ..sample_grant() };
    let second = judge(FailureKind::DeadToken, of(&suspect, SINGLE_USE));
    assert_eq!(second.after.lifecycle, Lifecycle::NeedsConsent(ConsentCause::Revoked));
    assert_eq!(second.after.due_at, None);
    assert_eq!((first.name, second.name), ("dead_token", "dead_token_confirmed"));
}

#[test]
fn a_dead_token_after_a_lost_answer_is_a_lost_rotation() {
    let tainted = Grant { tainted: true, phase: Phase::Uncertain, ..sample_grant() };
    let end = judge(FailureKind::DeadToken, of(&tainted, SINGLE_USE));
    assert_eq!(end.after.lifecycle, Lifecycle::NeedsConsent(ConsentCause::LostRotation));
    assert_eq!(end.name, "lost_rotation", "it does not count against the provider");
}

#[test]
fn a_dead_token_past_the_window_is_the_end_of_the_window() {
    let over = Grant { dies_at: Some(NOW), ..sample_grant() };
    let end = judge(FailureKind::DeadToken, of(&over, SINGLE_USE));
    assert_eq!((end.after.lifecycle, end.name), (Lifecycle::ConsentExpired, "window_over"));
    let not_yet = Grant { dies_at: Some(NOW + HOUR), ..sample_grant() };
    assert_eq!(after(&not_yet, SINGLE_USE, FailureKind::DeadToken).phase, Phase::Suspect);
}

#[test]
fn while_the_providers_breaker_is_open_no_user_is_asked() {
    let suspect = Grant { phase: Phase::Suspect, ..sample_grant() };
    let tainted = Grant { tainted: true, phase: Phase::Uncertain, ..sample_grant() };
    for before in [suspect, tainted] {
        let open = Circumstances { breaker_open: true, ..of(&before, SINGLE_USE) };
        let end = judge(FailureKind::DeadToken, open).after;
        assert_eq!((end.lifecycle, end.phase), (Lifecycle::Active, before.phase));
        assert!(end.due_at.is_some());
    }
    let over = Grant { dies_at: Some(NOW), ..sample_grant() };
    let open = Circumstances { breaker_open: true, ..of(&over, SINGLE_USE) };
    assert_eq!(judge(FailureKind::DeadToken, open).after.lifecycle, Lifecycle::ConsentExpired);
}

#[test]
fn an_uncertain_outcome_taints_by_rotation_mode() {
    for (mode, waits) in [(SINGLE_USE, 120), (GRACE, 0)] {
        let end = after(&sample_grant(), mode, FailureKind::Uncertain);
        assert_eq!((end.tainted, end.phase, wait(&end)), (true, Phase::Uncertain, waits), "{mode:?}");
    }
    let reusable = after(&sample_grant(), RotationMode::Reusable, FailureKind::Uncertain);
    assert_eq!((reusable.tainted, reusable.phase), (false, Phase::Idle));
    assert!(wait(&reusable) <= 5);
}

#[test]
fn a_probe_waits_from_when_the_token_was_sent_not_from_when_its_answer_was_given_up() {
    let before = sample_grant();
    let late = Circumstances { sent_at: Some(NOW - Duration::from_secs(100)), ..of(&before, SINGLE_USE) };
    assert_eq!(wait(&judge(FailureKind::Uncertain, late).after), 20);
}

#[test]
fn an_answer_that_cannot_be_read_has_a_name_of_its_own() {
    let unreadable =
        ProviderFailure { http_status: Some(200), ..ProviderFailure::of(FailureKind::Uncertain) };
    let before = sample_grant();
    let end = conclude(&unreadable, of(&before, SINGLE_USE), &Timing::default());
    assert_eq!((end.name, end.after.tainted), ("unreadable", true));
    let gateway = ProviderFailure { http_status: Some(502), ..unreadable };
    assert_eq!(conclude(&gateway, of(&before, SINGLE_USE), &Timing::default()).name, "uncertain");
}

#[test]
fn probes_back_off_to_an_hour_and_never_come_sooner_than_the_orphan_wait() {
    let mut before = sample_grant();
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
    let last = failed(FailureKind::Unreachable, 6, NOW);
    let before = Grant { last_failure: Some(last), ..sample_grant() };
    assert_eq!(wait(&after(&before, SINGLE_USE, FailureKind::Uncertain)), 120);
}

#[test]
fn where_reuse_is_only_rejected_a_probe_need_not_wait_for_orphans() {
    let mode = RotationMode::SingleUse(ReusePolicy::Reject);
    let end = after(&sample_grant(), mode, FailureKind::Uncertain);
    assert!(wait(&end) <= 5 && end.tainted);
}

#[test]
fn a_definitive_failure_burns_nothing_and_keeps_doubt_and_suspicion() {
    use FailureKind::{ClientRejected, Refused, Throttled, UnlabelledRefusal, Unreachable};
    for kind in [ClientRejected, Refused, Throttled, UnlabelledRefusal, Unreachable] {
        for (phase, tainted) in [(Phase::Idle, false), (Phase::Suspect, false), (Phase::Uncertain, true)] {
            let before = Grant { phase, tainted, ..sample_grant() };
            let end = after(&before, SINGLE_USE, kind);
            assert_eq!(
                (end.lifecycle, end.phase, end.tainted),
                (Lifecycle::Active, phase, tainted),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn a_rejected_client_rests_its_registration() {
    let before = sample_grant();
    let end = judge(FailureKind::ClientRejected, of(&before, SINGLE_USE));
    assert_eq!(end.refused_client, Some(RefusedClient::RestsUntil(NOW + Duration::from_secs(60))));
    assert!(wait(&end.after) >= 60);
    assert_eq!(judge(FailureKind::Refused, of(&before, SINGLE_USE)).refused_client, None);
}

#[test]
fn a_registration_with_another_secret_tries_it_at_once() {
    let before = Grant { phase: Phase::Uncertain, tainted: true, ..sample_grant() };
    let with_another = Circumstances { another_secret: true, ..of(&before, SINGLE_USE) };
    let end = judge(FailureKind::ClientRejected, with_another);
    assert_eq!(end.refused_client, Some(RefusedClient::TriesNextSecret));
    assert_eq!((end.after.due_at, end.after.phase, end.after.tainted), (Some(NOW), Phase::Uncertain, true));
    let other = judge(FailureKind::UnlabelledRefusal, with_another);
    assert_eq!(other.refused_client, None, "nobody knows yet what was refused");
}

#[test]
fn a_bare_refusal_waits_for_the_other_grants_to_tell_its_reason() {
    let first = sample_grant();
    let end = judge(FailureKind::UnlabelledRefusal, of(&first, SINGLE_USE));
    assert_eq!((wait(&end.after), end.refused_client), (300, None));

    let since = NOW - Duration::from_secs(300);
    let last = failed(FailureKind::UnlabelledRefusal, 1, since);
    let again = Grant { last_failure: Some(last), ..sample_grant() };
    let alone = judge(FailureKind::UnlabelledRefusal, of(&again, SINGLE_USE));
    assert!(alone.refused_client.is_some(), "nobody else was refreshed: the registration's fault");
    let works = Circumstances { registration_works: true, ..of(&again, SINGLE_USE) };
    let dead = judge(FailureKind::UnlabelledRefusal, works);
    assert_eq!((dead.after.phase, dead.refused_client), (Phase::Suspect, None));
}

#[test]
fn a_refusal_without_a_reason_is_given_eight_tries_over_a_day() {
    let refused = |in_a_row, since| {
        let last = failed(FailureKind::Refused, in_a_row, since);
        let before = Grant { last_failure: Some(last), ..sample_grant() };
        after(&before, SINGLE_USE, FailureKind::Refused).lifecycle
    };
    assert_eq!(refused(7, NOW - 23 * HOUR), Lifecycle::Active);
    assert_eq!(refused(6, NOW - 24 * HOUR), Lifecycle::Active);
    assert_eq!(refused(7, NOW - 24 * HOUR), Lifecycle::NeedsConsent(ConsentCause::ProviderRefuses));
}

#[test]
fn retry_after_is_obeyed() {
    let failure = ProviderFailure {
        retry_after: Some(Duration::from_secs(90)),
        ..ProviderFailure::of(FailureKind::Throttled)
    };
    let before = sample_grant();
    let end = conclude(&failure, of(&before, SINGLE_USE), &Timing::default());
    assert_eq!(wait(&end.after), 90);
}

#[test]
fn a_claim_given_back_leaves_doubt_and_suspicion_where_they_were() {
    let suspect = Grant { last_failure: Some(failed(FailureKind::DeadToken, 1, NOW)), ..sample_grant() };
    let tainted = Grant { tainted: true, ..sample_grant() };
    let phase = |grant: &Grant| untouched(grant, Some(NOW)).phase;
    assert_eq!((phase(&sample_grant()), phase(&suspect)), (Phase::Idle, Phase::Suspect));
    assert_eq!(phase(&tainted), Phase::Uncertain);
}
