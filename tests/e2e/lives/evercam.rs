//! Evercam: a refresh token dies of thirty idle days, and every refresh begins them anew.

use std::time::Duration;

use broker_e2e::{House, Provider};
use broker_proto::v1::{EventType, GrantState, Reason, ServedStaleReason};
use provider_sim::{EvercamConfig, GrantPolicy};
use tonic::Code;

use super::life::Life;
use super::seen::hours_left_of_idle_life;
use super::{DAY, HOUR, NOTICES};
use crate::errors::refused;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_grant_nobody_uses_is_kept_alive_for_four_months() {
    let mut life = Life::begin(House::plan(), Provider::Evercam, None).await;
    life.consent().await;
    life.pass(DAY * 2).await;
    let (before, _) = life.refreshes();
    life.pass(DAY * 118).await;
    let (refreshes, presentations) = life.refreshes();
    assert!((11..=15).contains(&(refreshes - before)), "a third of its idle life: {}", refreshes - before);
    assert_eq!(presentations, 1);
    assert_eq!(life.told.turns(), [EventType::GrantCreated], "an end that every refresh moves is no news");
    assert_eq!(life.told.count(EventType::GrantRefreshed), refreshes);

    let grant = life.grant().await;
    assert_eq!((grant.state(), hours_left_of_idle_life(&grant)), (GrantState::Active, 30 * 24));
    let token = life.vend().await.unwrap();
    assert_eq!(life.house.api_status(Provider::Evercam, &token).await, 200);
    life.house.close().await;
}

/// Its old access token outlives a refresh, and so it outlives the grant.
#[tokio::test]
async fn what_is_held_at_the_end_of_an_authorization_is_served_to_its_own_end() {
    let grant_policy = GrantPolicy::fixed(DAY * 7);
    let plan = House::plan()
        .evercam(EvercamConfig { grant_policy, ..EvercamConfig::demo() })
        .provider(Provider::Evercam, "authorization_expires_in = \"7days\"");
    let mut life = Life::begin(plan, Provider::Evercam, Some(DAY * 7)).await.used();
    life.consent().await;
    life.pass(DAY * 7 + MINUTE * 2).await;
    assert_eq!((life.grant().await.state(), life.notices()), (GrantState::ConsentExpired, NOTICES.to_vec()));
    let token = life.vend().await.unwrap();
    assert_eq!(token.served_stale_reason(), ServedStaleReason::GrantExpired);
    assert_eq!(life.house.api_status(Provider::Evercam, &token).await, 200);

    life.pass(HOUR).await;
    refused(life.vend().await, Code::FailedPrecondition, Reason::GrantExpired);
    life.house.close().await;
}

#[tokio::test]
async fn a_broker_that_was_away_for_longer_finds_it_dead_and_says_so() {
    let mut life = Life::begin(House::plan(), Provider::Evercam, None).await;
    life.consent().await;
    life.pass(HOUR * 2).await;
    life.pass_without_a_broker(DAY * 29).await;
    assert_eq!(life.grant().await.state(), GrantState::Active, "it came back in time");
    life.pass(HOUR).await;
    let dies = life.grant().await.grant_expire_time.unwrap().seconds;

    life.pass_without_a_broker(DAY * 31).await;
    assert_eq!(life.grant().await.state(), GrantState::ConsentExpired);
    assert_eq!(life.told.turns(), [EventType::GrantCreated, EventType::GrantExpired]);
    let expired = life.told.last(EventType::GrantExpired).unwrap();
    assert_eq!(expired.grant_expire_time.unwrap().seconds, dies);
    refused(life.vend().await, Code::FailedPrecondition, Reason::GrantExpired);

    life.consent().await;
    assert_eq!(life.told.turns().last(), Some(&EventType::GrantRecovered));
    life.vend().await.unwrap();
    life.house.close().await;
}
