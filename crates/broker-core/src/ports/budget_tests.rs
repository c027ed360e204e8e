//! No window sees more calls than the limit says, and none that the limit allows is refused for long.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::testing::ManualClock;

fn provider() -> ProviderName {
    ProviderName::new("evercam").unwrap()
}

fn budget(limit: BudgetLimit) -> (InProcessBudget, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000)));
    (InProcessBudget::new(clock.clone(), HashMap::from([(provider(), limit)])), clock)
}

proptest! {
    #[test]
    fn no_window_sees_more_than_its_burst_and_its_rate(
        rate in 0.1f64..2_000.0,
        burst in 1u32..50,
        asks in vec((0u64..3_000_000, 0u32..80), 1..60),
    ) {
        let (budget, clock) = budget(BudgetLimit::new(rate, burst).unwrap());
        let mut at = 0.0;
        let mut granted = Vec::new();
        for (pause, want) in asks {
            clock.advance(Duration::from_micros(pause));
            at += pause as f64 / 1e6;
            let given = budget.take_now(&provider(), want);
            prop_assert!(given <= want);
            granted.push((at, given));
        }
        for (first, (from, _)) in granted.iter().enumerate() {
            let mut sum = 0;
            for (to, given) in &granted[first..] {
                sum += given;
                let most = f64::from(burst) + rate * (to - from);
                prop_assert!(f64::from(sum) <= most + 1e-6, "{sum} in {} s, allowed {most}", to - from);
            }
        }
    }

    #[test]
    fn whoever_asks_all_the_time_gets_the_whole_rate(rate in 1u32..1_000, burst in 2u32..50) {
        let (budget, clock) = budget(BudgetLimit::new(f64::from(rate), burst).unwrap());
        let mut granted = 0;
        for _ in 0..10_000 {
            granted += budget.take_now(&provider(), u32::MAX);
            clock.advance(Duration::from_millis(1));
        }
        let least = f64::from(burst) + f64::from(rate) * 10.0 * 0.998 - 2.0;
        prop_assert!(f64::from(granted) >= least, "{granted} of {least}");
    }
}

#[test]
fn a_clock_set_back_costs_no_more_than_an_empty_bucket() {
    let limit = BudgetLimit::new(1.0, 5).unwrap();
    let mut bucket = Bucket { full_at: 0 };
    let at = Timestamp::from_unix_seconds;
    assert_eq!(bucket.take(limit, 9, at(1_000_000)), 5);
    assert_eq!(bucket.take(limit, 9, at(900_000)), 0);
    assert_eq!(bucket.take(limit, 9, at(900_001)), 1);
}

#[test]
fn a_provider_without_a_limit_has_no_budget_to_keep() {
    let (budget, _) = budget(BudgetLimit::new(1.0, 1).unwrap());
    assert_eq!(budget.take_now(&ProviderName::new("other").unwrap(), 1_000), 1_000);
}

#[test]
fn the_shares_of_all_replicas_are_no_more_than_the_limit_and_one_call_each() {
    let whole = BudgetLimit::new(10.0, 20).unwrap();
    let share = whole.share(NonZeroU16::new(4).unwrap());
    assert_eq!((share.interval_micros(), share.burst()), (400_000, 5));
    assert_eq!(whole.share(NonZeroU16::new(50).unwrap()).burst(), 1);
    let (budget, _) = budget(whole.share(NonZeroU16::MAX));
    assert_eq!(budget.take_now(&provider(), 7), 1);
}

#[test]
fn a_limit_that_makes_no_sense_is_refused() {
    for (rate, burst) in
        [(0.0, 1), (-1.0, 1), (f64::NAN, 1), (f64::INFINITY, 1), (1.0, 0), (2e6, 1), (0.001, 100_000)]
    {
        assert_eq!(BudgetLimit::new(rate, burst), Err(BadBudget), "{rate} {burst}");
    }
}
