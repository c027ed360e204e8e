//! What holds of every set of policies and every call.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::{naive, random};

/// 500 sets of policies, 200 calls to each.
#[test]
fn a_hundred_thousand_calls_are_decided_as_the_naive_way_does() {
    let mut runner = TestRunner::deterministic();
    let (policies, calls) = (vec(random::policy(), 0..12), vec(random::call(), 200));
    let (mut asked, mut allowed) = (0, 0);
    for _ in 0..500 {
        let policies = policies.new_tree(&mut runner).unwrap().current();
        let guard = random::guard_of(&policies);
        for call in calls.new_tree(&mut runner).unwrap().current() {
            let expected = naive::is_allowed(&policies, &call);
            assert_eq!(random::is_allowed(&guard, &call), expected, "{call:?} under {policies:?}");
            asked += 1;
            allowed += u32::from(expected);
        }
    }
    assert_eq!(asked, 100_000);
    assert!((10_000..90_000).contains(&allowed), "{allowed} say little");
}

proptest! {
    #[test]
    fn nothing_is_allowed_without_a_policy(call in random::call()) {
        prop_assert!(!random::is_allowed(&random::guard_of(&[]), &call));
    }

    #[test]
    fn another_policy_takes_nothing_away(
        policies in vec(random::policy(), 0..6),
        another in random::policy(),
        calls in vec(random::call(), 20),
    ) {
        let before = random::guard_of(&policies);
        let after = random::guard_of(&[policies.as_slice(), &[another]].concat());
        for call in calls {
            prop_assert!(!random::is_allowed(&before, &call) || random::is_allowed(&after, &call));
        }
    }

    #[test]
    fn the_order_of_policies_decides_nothing(
        policies in vec(random::policy(), 2..6),
        calls in vec(random::call(), 20),
    ) {
        let forwards = random::guard_of(&policies);
        let backwards = random::guard_of(&policies.into_iter().rev().collect::<Vec<_>>());
        for call in calls {
            prop_assert_eq!(random::is_allowed(&forwards, &call), random::is_allowed(&backwards, &call));
        }
    }
}
