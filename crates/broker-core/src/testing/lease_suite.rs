//! What every lease manager must do. [`lease_conformance`](crate::lease_conformance) runs each case as a test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

use crate::GrantId;
use crate::ports::{Lease, LeaseManager, LeaseOutcome};

/// Longer than any case takes.
const LONG: Duration = Duration::from_secs(600);
/// Over after a few steps.
const SHORT: Duration = Duration::from_millis(30);
/// Far more steps than [`SHORT`] takes.
const MOST_STEPS: u32 = 3_000;
const GRANT: [u8; 16] = [1; 16];

/// A lease manager, and how time passes for it.
#[async_trait]
pub trait LeaseWorld: Send + Sync {
    /// The manager. Another one on the same backend would do as well.
    fn leases(&self) -> Arc<dyn LeaseManager>;

    /// Lets about 10 ms pass.
    async fn step(&self);
}

/// Runs every case of the suite as a test of its own; `$world` is an expression that answers a `LeaseWorld`.
#[macro_export]
macro_rules! lease_conformance {
    ($world:expr) => {
        $crate::lease_conformance! { @cases $world;
            a_lease_excludes_until_it_is_released,
            a_lease_runs_out,
            leases_of_different_grants_do_not_meet,
            of_many_who_ask_at_once_one_gets_it,
            every_holding_has_a_token_of_its_own,
            a_late_release_touches_nobody,
            releasing_twice_is_releasing_once,
            renewing_sets_the_time_anew,
            a_lease_that_ran_out_is_not_renewed,
            a_lease_that_another_took_is_not_renewed,
        }
    };
    (@cases $world:expr; $($case:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $case() {
            let world = $world;
            $crate::testing::lease_suite::$case(&world).await;
        })*
    };
}

fn grant() -> GrantId {
    GrantId::from_bytes(GRANT)
}

async fn held(world: &dyn LeaseWorld, ttl: Duration) -> Lease {
    match world.leases().acquire(grant(), ttl).await.unwrap() {
        LeaseOutcome::Held(lease) => lease,
        LeaseOutcome::Taken => panic!("the lease is free and was not given"),
    }
}

async fn taken(world: &dyn LeaseWorld) -> bool {
    world.leases().acquire(grant(), LONG).await.unwrap() == LeaseOutcome::Taken
}

/// Asks again and again until the present lease is over.
async fn held_at_last(world: &dyn LeaseWorld) -> Lease {
    for _ in 0..MOST_STEPS {
        if let LeaseOutcome::Held(lease) = world.leases().acquire(grant(), LONG).await.unwrap() {
            return lease;
        }
        world.step().await;
    }
    panic!("the lease did not run out")
}

/// While a lease is held nobody gets it; then somebody does.
pub async fn a_lease_excludes_until_it_is_released(world: &dyn LeaseWorld) {
    let lease = held(world, LONG).await;
    assert!(taken(world).await);
    world.leases().release(lease).await.unwrap();
    held(world, LONG).await;
}

/// A holder that dies keeps its lease no longer than asked for.
pub async fn a_lease_runs_out(world: &dyn LeaseWorld) {
    let first = held(world, SHORT).await;
    let second = held_at_last(world).await;
    assert_ne!(first.token, second.token);
    assert!(taken(world).await);
}

/// A lease is of one grant.
pub async fn leases_of_different_grants_do_not_meet(world: &dyn LeaseWorld) {
    let _lease = held(world, LONG).await;
    let other = world.leases().acquire(GrantId::from_bytes([2; 16]), LONG).await.unwrap();
    assert!(matches!(other, LeaseOutcome::Held(_)));
}

/// Exactly one of a herd.
pub async fn of_many_who_ask_at_once_one_gets_it(world: &dyn LeaseWorld) {
    let mut herd = JoinSet::new();
    for _ in 0..64 {
        let leases = world.leases();
        herd.spawn(async move { leases.acquire(grant(), LONG).await.unwrap() });
    }
    let outcomes = herd.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome != LeaseOutcome::Taken).count(), 1);
}

/// Tokens do not repeat.
pub async fn every_holding_has_a_token_of_its_own(world: &dyn LeaseWorld) {
    let mut tokens = HashSet::new();
    for _ in 0..20 {
        let lease = held(world, LONG).await;
        assert!(tokens.insert(lease.token));
        world.leases().release(lease).await.unwrap();
    }
}

/// A holder that slept through its lease cannot free that of the next one.
pub async fn a_late_release_touches_nobody(world: &dyn LeaseWorld) {
    let late = held(world, SHORT).await;
    let present = held_at_last(world).await;
    world.leases().release(late).await.unwrap();
    assert!(taken(world).await);
    world.leases().release(present).await.unwrap();
    held(world, LONG).await;
}

/// A release that is repeated, its first answer lost, does no harm.
pub async fn releasing_twice_is_releasing_once(world: &dyn LeaseWorld) {
    let first = held(world, LONG).await;
    let again = Lease { grant: first.grant, token: first.token };
    world.leases().release(first).await.unwrap();
    let _second = held(world, LONG).await;
    world.leases().release(again).await.unwrap();
    assert!(taken(world).await);
}

/// The new time replaces the old one.
pub async fn renewing_sets_the_time_anew(world: &dyn LeaseWorld) {
    let lease = held(world, LONG).await;
    assert!(world.leases().renew(&lease, LONG).await.unwrap());
    assert!(taken(world).await);
    assert!(world.leases().renew(&lease, SHORT).await.unwrap());
    held_at_last(world).await;
}

/// Nobody holds it, and renewing does not bring it back.
pub async fn a_lease_that_ran_out_is_not_renewed(world: &dyn LeaseWorld) {
    let lost = held(world, SHORT).await;
    let next = held_at_last(world).await;
    world.leases().release(next).await.unwrap();
    assert!(!world.leases().renew(&lost, LONG).await.unwrap());
    held(world, LONG).await;
}

/// The loser notices, and the winner keeps it.
pub async fn a_lease_that_another_took_is_not_renewed(world: &dyn LeaseWorld) {
    let lost = held(world, SHORT).await;
    let winner = held_at_last(world).await;
    assert!(!world.leases().renew(&lost, SHORT).await.unwrap());
    assert!(world.leases().renew(&winner, LONG).await.unwrap());
    assert!(taken(world).await);
}
