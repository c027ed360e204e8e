//! Which policies are in force, and what the guard does about a call they do not allow.

use std::sync::atomic::Ordering;
use std::time::Duration;

use broker_core::{AccessAction, AccessRule, AccessSettings, ActionSet, BrokerError, Enforcement};
use tokio_util::sync::CancellationToken;

use super::world::{World, fresh_store, only_acme, rate, rule, settings};

fn wait_of(answer: Result<(), BrokerError>) -> Duration {
    match answer {
        Err(BrokerError::TenantRateLimited(wait)) => wait,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_nothing_allows_is_denied() {
    let world = World::new().await;
    for action in AccessAction::ALL {
        assert!(matches!(world.admit("stranger", action, "acme"), Err(BrokerError::AccessDenied)));
        assert!(world.may("operator", action));
    }
}

#[tokio::test]
async fn a_change_takes_effect_at_once_here_and_a_second_later_elsewhere() {
    let (here, stop) = (World::new().await, CancellationToken::new());
    let there = here.another();
    let upkeep = tokio::spawn(there.access.clone().run(stop.clone()));
    let policy = here.create(rule("jwt:ci")).await;
    assert!(here.vends("jwt:ci", "acme").is_ok() && there.vends("jwt:ci", "acme").is_err());
    until(|| there.clock.advance(Duration::from_secs(1)), || there.vends("jwt:ci", "acme").is_ok()).await;
    here.delete_as("operator", policy.id).await.unwrap();
    assert!(here.vends("jwt:ci", "acme").is_err() && there.vends("jwt:ci", "acme").is_ok());
    until(|| there.clock.advance(Duration::from_secs(1)), || there.vends("jwt:ci", "acme").is_err()).await;
    stop.cancel();
    upkeep.await.unwrap();
}

/// Moves the clock on and lets others work, until it holds.
async fn until(tick: impl Fn(), holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tick();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it never holds");
}

#[tokio::test]
async fn while_the_store_is_away_the_last_policies_stand() {
    let world = World::new().await;
    world.create(rule("jwt:ci")).await;
    let late = world.another();
    world.door.shut.store(true, Ordering::SeqCst);
    for replica in [&world, &late] {
        replica.access.look().await;
    }
    assert!(world.vends("jwt:ci", "acme").is_ok(), "it has read it before");
    assert!(late.vends("jwt:ci", "acme").is_err(), "it has never read it");
    assert!(late.vends("operator", "acme").is_ok(), "the configuration needs no store");
    world.door.shut.store(false, Ordering::SeqCst);
    late.access.look().await;
    assert!(late.vends("jwt:ci", "acme").is_ok());
}

#[tokio::test]
async fn a_store_that_was_put_back_is_read_again() {
    let world = World::new().await;
    world.create(rule("jwt:ci")).await;
    world.door.put_back(fresh_store().await);
    world.access.look().await;
    assert!(world.vends("jwt:ci", "acme").is_err());
}

#[tokio::test]
async fn shadow_mode_lets_pass_what_it_would_deny_and_counts_it() {
    let shadow = AccessSettings { enforcement: Enforcement::Shadow, ..settings(vec![rule("operator")]) };
    let world = World::with(shadow).await;
    for who in ["operator", "stranger", "stranger"] {
        world.vends(who, "acme").unwrap();
    }
    let counted = world.access.refusals().into_iter().filter(|count| count.count > 0);
    let counted: Vec<_> = counted.map(|count| (count.action, count.outcome, count.count)).collect();
    assert_eq!(counted, [(AccessAction::Vend, "shadowed", 2)]);
}

#[tokio::test]
async fn shadow_mode_lets_nobody_change_policies() {
    let shadow = AccessSettings { enforcement: Enforcement::Shadow, ..settings(vec![rule("operator")]) };
    let world = World::with(shadow).await;
    let grabbed = world.create_as("stranger", rule("stranger")).await;
    assert!(matches!(grabbed, Err(BrokerError::AccessDenied)), "{grabbed:?}");
    let policy = world.create(rule("jwt:ci")).await;
    let deleted = world.delete_as("stranger", policy.id).await;
    assert!(matches!(deleted, Err(BrokerError::ResourceNotFound(_))), "{deleted:?}");
}

#[tokio::test]
async fn a_policy_s_rate_is_kept_for_each_tenant() {
    let world = World::with(settings(vec![AccessRule { rate: rate(2.0), ..rule("jwt:ci") }])).await;
    for tenant in ["acme", "acme", "globex"] {
        world.vends("jwt:ci", tenant).unwrap();
    }
    assert_eq!(wait_of(world.vends("jwt:ci", "acme")), Duration::from_millis(500));
    world.vends("jwt:ci", "globex").unwrap();
    world.clock.advance(Duration::from_millis(500));
    world.vends("jwt:ci", "acme").unwrap();
}

#[tokio::test]
async fn a_policy_without_a_rate_spares_the_one_with() {
    let limited = AccessRule { rate: rate(1.0), ..rule("jwt:*") };
    let world = World::with(settings(vec![limited, only_acme(rule("jwt:ci"))])).await;
    for _ in 0..10 {
        world.vends("jwt:ci", "acme").unwrap();
    }
    world.vends("jwt:ci", "globex").unwrap();
    wait_of(world.vends("jwt:ci", "globex"));
}

#[tokio::test]
async fn the_rates_of_two_policies_add_up() {
    let slow = AccessRule { rate: rate(1.0), ..rule("jwt:ci") };
    let slower = AccessRule { rate: rate(0.1), ..rule("jwt:*") };
    let world = World::with(settings(vec![slow, slower])).await;
    for _ in 0..2 {
        world.vends("jwt:ci", "acme").unwrap();
    }
    assert_eq!(wait_of(world.vends("jwt:ci", "acme")), Duration::from_secs(1), "the shorter wait");
}

#[tokio::test]
async fn a_change_of_other_policies_fills_no_bucket() {
    let world = World::new().await;
    world.create(AccessRule { rate: rate(1.0), ..rule("jwt:ci") }).await;
    world.vends("jwt:ci", "acme").unwrap();
    world.create(rule("jwt:cd")).await;
    wait_of(world.vends("jwt:ci", "acme"));
}

#[tokio::test]
async fn a_tenant_s_rate_is_of_all_its_callers_and_shadow_mode_keeps_to_it() {
    for enforcement in [Enforcement::Enforce, Enforcement::Shadow] {
        let known = vec![rule("jwt:ci"), rule("jwt:cd")];
        let limits = AccessSettings { enforcement, tenant_rate: rate(2.0), ..settings(known) };
        let world = World::with(limits).await;
        world.vends("jwt:ci", "acme").unwrap();
        world.vends("jwt:cd", "acme").unwrap();
        assert_eq!(wait_of(world.vends("jwt:ci", "acme")), Duration::from_millis(500));
        world.vends("jwt:ci", "globex").unwrap();
    }
}

#[tokio::test]
async fn who_is_denied_spends_nothing_of_the_tenant() {
    let vend = AccessRule { actions: ActionSet::new([AccessAction::Vend]).unwrap(), ..rule("jwt:ci") };
    let world = World::with(AccessSettings { tenant_rate: rate(1.0), ..settings(vec![vend]) }).await;
    for _ in 0..5 {
        assert!(matches!(world.vends("stranger", "acme"), Err(BrokerError::AccessDenied)));
        assert!(!world.may("jwt:ci", AccessAction::Observe));
    }
    world.vends("jwt:ci", "acme").unwrap();
}
