//! The judge, before made-up evidence.

use broker_proto::v1::GrantKey;
use provider_sim::{Endpoint, Entry};

use super::double_spends::double_spends;
use super::loss::{Loss, attribute};
use super::{Case, Charge, Record, Verdict};
use crate::evidence::{Attempt, Event};
use crate::frozen::Records;
use crate::grants::Subject;
use crate::profile::Profile;
use crate::replica::Death;
use crate::settle::Ending;

const MS: u64 = 1_000;
/// When the process was killed that made the attempts below.
const KILLED: u64 = 500 * MS;

/// A refresh that the provider carried out at this time, and answered 10 ms later.
fn shown(generation: u64, at_ms: u64) -> Entry {
    Entry {
        seq: at_ms,
        time: at_ms,
        endpoint: Endpoint::Refresh,
        client_id: None,
        grant_type: None,
        presented: Some(generation),
        issued: Some(generation + 1),
        family: Some(1),
        generation: Some(generation),
        committed: true,
        outcome: None,
        answered_micros: Some((at_ms + 10) * MS),
    }
}

/// An attempt of the process that is killed, sent at this time and closed as lost at 900 ms.
fn sent(id: u128, at_ms: u64) -> Attempt {
    Attempt {
        id,
        grant: 1,
        generation: 1,
        owner: 7,
        claimed_micros: at_ms * MS,
        sent_micros: Some(at_ms * MS),
        closed_micros: Some(900 * MS),
        conclusion: None,
        adopted_micros: None,
    }
}

fn adopted(id: u128, at_ms: u64, closed_ms: u64) -> Attempt {
    Attempt { adopted_micros: Some(closed_ms * MS), closed_micros: Some(closed_ms * MS), ..sent(id, at_ms) }
}

fn case(profile: Profile, presentations: Vec<Entry>, attempts: Vec<Attempt>) -> Case {
    let subject = Subject { profile, key: GrantKey::default(), grant: 1, family: 1 };
    let ending = Ending { lives: false, given_up: true, words: "given up".to_owned() };
    Case::new(subject, ending, presentations, attempts, Vec::new())
}

fn killed(records: impl IntoIterator<Item = u128>) -> Vec<Death> {
    let records: Records = records.into_iter().map(|attempt| (attempt, KILLED)).collect();
    vec![Death { replica: 0, started_micros: 0, killed_micros: KILLED, records }]
}

fn record(deaths: &[Death]) -> Record<'_> {
    Record { deaths, replica_of: &|owner| (owner == 7).then_some(0) }
}

fn loss_of(case: &Case, escrowed: impl IntoIterator<Item = u128>) -> Loss {
    attribute(case, &record(&killed(escrowed)))
}

#[test]
fn a_loss_is_attributed_to_where_the_answer_was_when_its_owner_died() {
    let lost_at = |at_ms| case(Profile::Reject, vec![shown(0, at_ms)], vec![sent(1, at_ms - 1)]);
    assert_eq!(loss_of(&lost_at(491), []), Loss::C4, "answered 1 ms after the kill");
    let c5 = Loss::C5 { left_micros: 0, started_micros: KILLED };
    assert_eq!(loss_of(&lost_at(490), []), c5, "answered in the moment of the kill");
    assert!(matches!(loss_of(&lost_at(490), [1]), Loss::RecordPresent(_)));
    let mut unanswered = lost_at(100);
    unanswered.presentations[0].answered_micros = None;
    assert_eq!(loss_of(&unanswered, []), Loss::C4);
}

#[test]
fn a_loss_that_no_kill_explains_is_unattributed() {
    let unattributed = |case: &Case| matches!(loss_of(case, []), Loss::Unattributed(_));
    let lost = |attempt| case(Profile::RevokeFamily, vec![shown(0, 400)], vec![attempt]);
    assert!(!unattributed(&lost(sent(1, 399))));
    assert!(unattributed(&lost(Attempt { owner: 8, ..sent(1, 399) })), "of a process nobody killed");
    assert!(unattributed(&lost(Attempt { closed_micros: Some(450 * MS), ..sent(1, 399) })), "closed before");
    assert!(unattributed(&lost(adopted(1, 399, 450))), "nothing was lost");
    assert!(unattributed(&lost(sent(1, 450))), "no attempt fits");
    assert!(unattributed(&case(Profile::RevokeFamily, vec![], vec![])), "the provider never rotated");
}

#[test]
fn a_token_shown_after_its_successor_was_adopted_is_a_double_spend() {
    let spends = |profile, presentations, attempts| {
        double_spends(&case(profile, presentations, attempts), &record(&killed([]))).len()
    };
    let attempts = || vec![adopted(1, 99, 120), sent(2, 149)];
    assert_eq!(spends(Profile::Reject, vec![shown(0, 100), shown(1, 150)], attempts()), 0);
    assert_eq!(spends(Profile::Reject, vec![shown(0, 100), shown(0, 150)], attempts()), 1);
    assert_eq!(spends(Profile::Grace, vec![shown(0, 100), shown(0, 150)], attempts()), 1);
    assert_eq!(spends(Profile::Reusable, vec![shown(0, 100), shown(0, 150)], attempts()), 0);
    assert_eq!(spends(Profile::Reject, vec![shown(1, 100), shown(0, 150)], vec![]), 1, "after its successor");
}

#[test]
fn a_replay_of_a_lost_answer_is_no_double_spend() {
    let probed = vec![shown(0, 100), shown(0, 600)];
    for profile in [Profile::Reject, Profile::RevokeFamily, Profile::Grace] {
        let case = case(profile, probed.clone(), vec![sent(1, 99), sent(2, 599)]);
        assert_eq!(double_spends(&case, &record(&killed([]))), [""; 0]);
    }
}

#[test]
fn a_successor_in_a_dead_replicas_escrow_is_held_except_where_a_grace_forgives() {
    let spends = |profile| {
        let case = case(profile, vec![shown(0, 100), shown(0, 600)], vec![sent(1, 99), sent(2, 599)]);
        double_spends(&case, &record(&killed([1]))).len()
    };
    assert_eq!((spends(Profile::Reject), spends(Profile::RevokeFamily), spends(Profile::Grace)), (1, 1, 0));
}

#[test]
fn in_a_grace_a_replay_may_meet_an_answer_adopted_after_it_was_sent() {
    let spends = |profile| {
        let attempts = vec![adopted(1, 99, 600), sent(2, 599)];
        double_spends(&case(profile, vec![shown(0, 100), shown(0, 601)], attempts), &record(&killed([])))
            .len()
    };
    assert_eq!((spends(Profile::Grace), spends(Profile::Reject)), (0, 1));
}

#[test]
fn an_attempt_that_was_closed_in_doubt_is_adopted_when_it_is_adopted() {
    let in_doubt = || Attempt { adopted_micros: Some(650 * MS), ..adopted(1, 99, 550) };
    let spends = |sent_ms, shown_ms| {
        let shown = vec![shown(0, 100), shown(0, shown_ms)];
        let case = case(Profile::Grace, shown, vec![in_doubt(), sent(2, sent_ms)]);
        double_spends(&case, &record(&killed([]))).len()
    };
    assert_eq!((spends(600, 660), spends(651, 660)), (0, 1));
}

#[test]
fn what_was_vended_was_held() {
    let mut case = case(Profile::Reject, vec![shown(0, 100), shown(0, 600)], vec![]);
    case.vended = vec![(1, 50 * MS), (2, 550 * MS)];
    assert_eq!(double_spends(&case, &record(&killed([]))).len(), 1);
}

#[test]
fn one_answer_in_a_hundred_kills_may_be_lost_before_the_escrow() {
    let lost = || case(Profile::Reject, vec![shown(0, 490)], vec![sent(1, 489)]);
    let charges = |losses: usize, kills: usize| {
        let death = |_| Death { replica: 1, ..killed([]).remove(0) };
        let deaths: Vec<Death> = killed([]).into_iter().chain((1..kills).map(death)).collect();
        let cases: Vec<Case> = (0..losses).map(|_| lost()).collect();
        let verdict = Verdict::of(&cases, &record(&deaths));
        assert_eq!(verdict.c5(), losses);
        verdict.charges.into_iter().map(|(charge, _)| charge).collect::<Vec<_>>()
    };
    assert_eq!(charges(3, 300), []);
    assert_eq!(charges(4, 300), [Charge::TooManyC5]);
    assert_eq!((charges(1, 20), charges(2, 20)), (vec![], vec![Charge::TooManyC5]));
}

#[test]
fn more_may_be_lost_where_answers_lie_unread_for_long() {
    // One answer in escrow, read 40 ms after it had left, and one life of 500 ms: 3 x 0.08 for each answer.
    let read_late = || case(Profile::Reject, vec![shown(0, 450)], vec![adopted(1, 449, 600)]);
    let lost = || case(Profile::Reject, vec![shown(0, 490)], vec![sent(2, 489)]);
    let deaths = killed([1]);
    let verdict_of = |losses: usize| {
        let cases: Vec<Case> = std::iter::once(read_late()).chain((0..losses).map(|_| lost())).collect();
        Verdict::of(&cases, &record(&deaths))
    };
    let verdict = verdict_of(2);
    assert_eq!((verdict.unread_micros, verdict.c5_expected), ([40 * MS, 40 * MS], 3.0 * 3.0 * 40.0 / 500.0));
    assert_eq!(verdict.c5_allowed(), 4);
    assert!(!verdict.is_charged_with(Charge::TooManyC5));
    assert!(verdict_of(9).is_charged_with(Charge::TooManyC5), "9 are not expected");
}

#[test]
fn an_answer_adopted_by_a_killed_process_lay_in_its_escrow() {
    let charged = |attempts, escrowed: &[u128]| {
        let deaths = killed(escrowed.iter().copied());
        let verdict = Verdict::of(&[case(Profile::Grace, vec![], attempts)], &record(&deaths));
        verdict.is_charged_with(Charge::AdoptedUnescrowed)
    };
    let two = || vec![adopted(1, 99, 120), adopted(2, 199, 220)];
    assert!(charged(two(), &[]) && charged(two(), &[1]));
    assert!(!charged(two(), &[2]), "the newest is kept");
    assert!(!charged(vec![adopted(1, 99, 600)], &[]), "adopted after the death, by somebody else");
    assert!(!charged(vec![Attempt { owner: 8, ..adopted(1, 99, 120) }], &[]), "of a process nobody killed");
}

#[test]
fn a_grant_lost_where_none_need_be_is_charged_whatever_the_reason() {
    for profile in [Profile::Grace, Profile::Reusable] {
        let lost = case(profile, vec![shown(0, 495)], vec![sent(1, 494)]);
        let verdict = Verdict::of(&[lost], &record(&killed([])));
        assert!(verdict.is_charged_with(Charge::LostNeedlessly));
    }
}

#[test]
fn a_storm_that_met_nothing_proves_nothing() {
    let deaths = killed([]);
    assert!(Verdict::of(&[], &record(&deaths)).is_charged_with(Charge::NothingHit));
    let open = Attempt { closed_micros: None, ..sent(1, 499) };
    let verdict = Verdict::of(&[case(Profile::Reject, vec![], vec![open])], &record(&deaths));
    assert!(!verdict.is_charged_with(Charge::NothingHit) && verdict.is_charged_with(Charge::LeftOpen));
}

/// An event of the grant of all cases.
fn told(sequence: u64, r#type: &str, generation: u64) -> Event {
    Event { sequence: Some(sequence), r#type: r#type.to_owned(), grant: Some((1, generation)) }
}

/// What is charged where two refreshes of the grant were adopted and the log has these events.
fn charges_of_log(events: &[Event]) -> Vec<Charge> {
    let cases = [case(Profile::Grace, vec![], vec![adopted(1, 99, 120), adopted(2, 199, 220), sent(3, 299)])];
    let mut verdict = Verdict::default();
    verdict.weigh_events(events, &cases);
    verdict.charges.into_iter().map(|(charge, _)| charge).collect()
}

#[test]
fn a_log_that_tells_every_adoption_in_order_and_once_is_whole() {
    let elsewhere = Event { sequence: Some(3), r#type: "provider.degraded".to_owned(), grant: None };
    let unplaced = Event { sequence: None, ..told(0, "grant.needs_consent", 3) };
    let whole = [
        told(1, "grant.created", 1),
        told(2, "grant.refreshed", 2),
        elsewhere,
        told(4, "grant.needs_consent", 2),
        told(5, "grant.recovered", 3),
        unplaced,
    ];
    assert_eq!(charges_of_log(&whole), []);
}

#[test]
fn a_log_with_an_empty_place_or_with_one_given_twice_has_a_gap() {
    for last in [4, 2] {
        let log =
            [told(1, "grant.created", 1), told(2, "grant.refreshed", 2), told(last, "grant.refreshed", 3)];
        assert_eq!(charges_of_log(&log), [Charge::EventGap], "{last}");
    }
    let beheaded =
        [told(2, "grant.created", 1), told(3, "grant.refreshed", 2), told(4, "grant.refreshed", 3)];
    assert_eq!(charges_of_log(&beheaded), [Charge::EventGap]);
}

#[test]
fn a_generation_told_twice_early_or_late_is_out_of_turn() {
    let log = |generations: &[u64]| {
        let events = (1..).zip(generations).map(|(sequence, generation)| {
            told(sequence, if sequence == 1 { "grant.created" } else { "grant.refreshed" }, *generation)
        });
        charges_of_log(&events.collect::<Vec<_>>())
    };
    assert_eq!(log(&[1, 2, 2, 3]), [Charge::EventOutOfTurn]);
    assert_eq!(log(&[1, 3, 2]), [Charge::EventOutOfTurn, Charge::EventOutOfTurn]);
    assert_eq!(log(&[1, 3]), [Charge::EventOutOfTurn], "one was left out");
}

#[test]
fn an_adoption_that_nothing_tells_of_is_missing_and_so_is_one_that_was_none() {
    let first = [told(1, "grant.created", 1), told(2, "grant.refreshed", 2)];
    assert_eq!(charges_of_log(&first), [Charge::EventMissing]);
    assert_eq!(charges_of_log(&[]), [Charge::EventMissing]);
    let more = [first.as_slice(), &[told(3, "grant.refreshed", 3), told(4, "grant.refreshed", 4)]].concat();
    assert_eq!(charges_of_log(&more), [Charge::EventMissing]);
}
