//! A tenant's backlog and a provider that hangs are nobody else's trouble.

use std::collections::HashMap;
use std::time::Duration;

use super::super::samples::{at, key};
use super::world::{Dice, World};
use crate::ports::{BudgetLimit, BudgetLimits};
use crate::schedule::pace;
use crate::{ProviderName, TenantId};

const OTHERS: usize = 20;
const GRANTS_OF_EACH: usize = 25;

/// The others' grants come due in this time.
const SECONDS: i64 = 600;

/// 95 % of all that is due at provider `a`.
const BACKLOG: usize = 19 * OTHERS * GRANTS_OF_EACH;

fn name(provider: &str) -> ProviderName {
    ProviderName::new(provider).unwrap()
}

/// Twenty tenants with grants at two providers, one of them the big tenant's too.
fn world(limits: BudgetLimits) -> World {
    let mut world = World::new(|grant, generation, _| pace(grant, generation), limits);
    let mut dice = Dice(3);
    for tenant in 0..OTHERS {
        for grant in 0..GRANTS_OF_EACH {
            for provider in ["a", "c"] {
                let due = at((dice.roll() * SECONDS as f64) as i64) + Duration::from_micros(grant as u64);
                let key = key(&format!("t{tenant}"), provider, &grant.to_string());
                world.owe(key, due, due + Duration::from_secs(720));
            }
        }
    }
    world
}

/// The big tenant's grants came due while nobody was there to refresh them.
fn with_backlog(mut world: World) -> World {
    for grant in 0..BACKLOG {
        let late = Duration::from_millis(grant as u64 * 600_000 / BACKLOG as u64);
        world.owe(key("big", "a", &grant.to_string()), at(0) - late, at(1320) - late);
    }
    world
}

/// Provider `b` hangs for five minutes, with grants of every tenant due.
fn with_hang(mut world: World) -> World {
    for grant in 0..1000 {
        let due = at(grant % 120);
        let tenant = format!("t{}", grant as usize % OTHERS);
        world.owe(key(&tenant, "b", &grant.to_string()), due, due + Duration::from_secs(720));
    }
    world.hanging.insert(name("b"), at(300));
    world
}

/// The delay that 99 % of the other tenants' rotations at providers that answer stay under, and how many expired in all.
fn run(mut world: World) -> (Duration, usize) {
    world.run_until(at(1320));
    let big = TenantId::new("big").unwrap();
    let others = world.rotations.iter().filter(|r| r.key.tenant != big && r.key.provider != name("b"));
    let mut delays: Vec<_> = others.map(super::world::Rotation::delay).collect();
    assert!(delays.len() >= 2 * OTHERS * GRANTS_OF_EACH);
    delays.sort_unstable();
    let expired = world.rotations.iter().filter(|rotation| rotation.expired).count();
    let unserved = world.grants.values().filter(|grant| grant.expires_at <= at(1320)).count();
    (delays[delays.len() * 99 / 100], expired + unserved)
}

fn compare(limits: &BudgetLimits) {
    let (baseline, expired) = run(world(limits.clone()));
    assert_eq!(expired, 0);
    let (troubled, expired) = run(with_hang(with_backlog(world(limits.clone()))));
    println!("p99 {baseline:?} alone, {troubled:?} beside a backlog and a hanging provider");
    assert_eq!(expired, 0);
    assert!(troubled <= 2 * baseline, "{troubled:?} against {baseline:?}");
}

#[test]
fn a_backlog_and_a_hanging_provider_delay_no_other_tenant() {
    compare(&HashMap::new());
}

#[test]
fn nor_do_they_where_the_providers_budget_is_what_is_scarce() {
    let limit = BudgetLimit::new(15.0, 10).unwrap();
    compare(&HashMap::from([(name("a"), limit)]));
}

#[test]
fn a_hanging_provider_is_hardly_called_and_called_again_when_it_answers() {
    let mut world = with_hang(world(HashMap::new()));
    world.run_until(at(300));
    let while_hanging = world.calls[&name("b")];
    assert!(while_hanging <= 20, "{while_hanging} calls of a provider that hangs");
    world.run_until(at(840));
    let served = world.rotations.iter().filter(|r| r.key.provider == name("b")).count();
    assert!(served >= 1000, "{served} of 1000 served");
}
