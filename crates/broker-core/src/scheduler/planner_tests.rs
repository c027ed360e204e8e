use super::super::gate::GateRules;
use super::super::samples::{at, work};
use super::*;
use crate::FailureKind;

const TICK: Duration = Duration::from_secs(1);

fn gates() -> Gates {
    Gates::new(GateRules {
        pause: Duration::from_secs(5),
        longest_pause: Duration::from_secs(300),
        trial: Duration::from_secs(60),
    })
}

fn name(provider: &str) -> ProviderName {
    ProviderName::new(provider).unwrap()
}

/// So many works of one tenant due now at each of the providers, all of which have just answered.
fn planner(most: usize, due: &[(&str, usize)]) -> Planner {
    let mut planner = Planner::new(most, TICK);
    let works = |count: &dyn Fn(usize) -> usize| -> Vec<Work> {
        due.iter()
            .flat_map(|(provider, due)| (0..count(*due)).map(|_| work("t", provider, at(0), at(900))))
            .collect()
    };
    planner.refill(works(&|_| 1), at(0));
    for (provider, _) in due {
        planner.start(&name(provider), at(0)).unwrap();
        planner.landed(&name(provider), Duration::from_millis(200), true, at(0));
    }
    planner.refill(works(&|due| due), at(0));
    planner
}

fn wanted(planner: &mut Planner, gates: &Gates) -> Vec<(String, u32)> {
    planner.wanted(gates, at(0)).into_iter().map(|(p, n)| (p.to_string(), n)).collect()
}

#[test]
fn a_provider_in_need_of_all_slots_leaves_others_their_floor() {
    let mut planner = planner(64, &[("a", 1000), ("b", 1)]);
    assert_eq!(wanted(&mut planner, &gates()), [("a".into(), 60), ("b".into(), 1)]);
}

#[test]
fn nothing_starts_at_a_provider_whose_gate_is_closed_and_one_when_it_is_on_trial() {
    let (mut planner, gates) = (planner(64, &[("a", 50)]), gates());
    let failure = crate::ProviderFailure::of(FailureKind::Unreachable);
    let key = super::super::samples::key("t", "a", "ada");
    for _ in 0..5 {
        gates.heard(&key, &crate::RegistrationId::new("main").unwrap(), Some(&failure), at(-5), 1.0);
    }
    assert_eq!(planner.wanted(&gates, at(-1)), []);
    assert_eq!(wanted(&mut planner, &gates), [("a".into(), 1)]);
}

#[test]
fn a_spent_budget_is_asked_again_within_the_tick() {
    let mut planner = planner(64, &[("a", 50)]);
    planner.short(&name("a"), at(0));
    assert_eq!(wanted(&mut planner, &gates()), []);
    let again = planner.next_start(at(0)).unwrap();
    assert_eq!(again.since(at(0)), TICK / ASK_AGAIN);
    assert!(!planner.wanted(&gates(), again).is_empty());
}

#[test]
fn more_is_read_when_one_provider_has_room_whatever_another_has_waiting() {
    let mut planner = planner(64, &[("a", 2), ("b", 500)]);
    assert!(!planner.hungers(&gates(), at(0)), "nothing has started since the reading");
    planner.start(&name("a"), at(0));
    assert!(!planner.hungers(&gates(), at(0)), "one is left");
    planner.start(&name("a"), at(0));
    assert!(planner.hungers(&gates(), at(0)));
}

#[test]
fn retries_are_a_tenth_of_what_starts() {
    let mut planner = planner(64, &[("a", 90)]);
    let mut works: Vec<_> = (0..90).map(|_| work("t", "a", at(0), at(900))).collect();
    works.extend((0..90).map(|_| Work { retry: true, ..work("t", "a", at(0), at(900)) }));
    planner.refill(works, at(0));
    let started: Vec<_> = std::iter::from_fn(|| planner.start(&name("a"), at(0))).collect();
    let retries = started.iter().filter(|work| work.retry).count();
    assert_eq!((started.len(), retries), (101, 11), "a tenth, and the free one");
}
