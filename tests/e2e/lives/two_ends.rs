//! Fourteen idle days, which every refresh begins anew, and ninety days in all, which none moves.

use broker_e2e::House;
use broker_proto::v1::{EventType, GrantState, Reason};
use tonic::Code;

use super::life::Life;
use super::seen::hours_left_of_idle_life;
use super::window::{Ends, SetBy};
use super::{DAY, HOUR, NOTICES, reconsent};
use crate::errors::refused;

const ENDS: Ends = Ends { idle: Some(DAY.saturating_mul(14)), whole: Some(DAY.saturating_mul(90)) };

#[tokio::test]
async fn set_by_the_provider_and_used() {
    whole_life_of(ENDS.begin(House::plan(), SetBy::Provider).await.used()).await;
}

#[tokio::test]
async fn set_by_the_registration_and_never_used() {
    whole_life_of(ENDS.begin(House::plan(), SetBy::Registration).await).await;
}

/// The simulated Eagle Eye ends grants in just this way if it is told nothing else.
async fn whole_life_of(mut life: Life) {
    life.consent().await;
    life.pass(DAY * 60).await;
    assert_eq!(hours_left_of_idle_life(&life.grant().await), 14 * 24);
    assert_eq!(life.told.turns(), [EventType::GrantCreated], "the end that is moved is not announced");

    life.pass(DAY * 30 - HOUR).await;
    let grant = life.grant().await;
    assert_eq!((grant.state(), life.notices()), (GrantState::Active, NOTICES.to_vec()));
    assert_eq!(grant.grant_expire_time.unwrap().seconds, life.consented + 90 * 86_400);
    assert!(life.is_at_risk(HOUR * 2).await);

    life.pass(HOUR * 13).await;
    assert_eq!(life.told.turns().last(), Some(&EventType::GrantExpired));
    refused(life.vend().await, Code::FailedPrecondition, Reason::GrantExpired);
    reconsent::after_its_death(&mut life, ENDS).await;
    reconsent::before_its_death(&mut life, ENDS).await;
    assert_eq!((life.refreshes().1, life.waits), (1, 0), "no refresh token is shown twice, and nobody waits");
    life.house.close().await;
}

/// Only while no broker keeps it alive does it lie idle.
#[tokio::test]
async fn unused_for_fourteen_days_it_dies() {
    let mut life = ENDS.begin(House::plan(), SetBy::Provider).await;
    life.consent().await;
    life.pass(HOUR * 2).await;
    life.pass_without_a_broker(DAY * 13).await;
    assert_eq!(life.grant().await.state(), GrantState::Active, "it came back in time");
    life.pass(HOUR).await;
    assert_eq!(hours_left_of_idle_life(&life.grant().await), 14 * 24, "and its idle life began anew");
    let dies = life.grant().await.grant_expire_time.unwrap().seconds;

    life.pass_without_a_broker(DAY * 14 + HOUR).await;
    assert_eq!(life.grant().await.state(), GrantState::ConsentExpired);
    assert_eq!(life.told.turns(), [EventType::GrantCreated, EventType::GrantExpired]);
    let expired = life.told.last(EventType::GrantExpired).unwrap();
    assert_eq!(expired.grant_expire_time.unwrap().seconds, dies);
    refused(life.vend().await, Code::FailedPrecondition, Reason::GrantExpired);
    reconsent::after_its_death(&mut life, ENDS).await;
    life.house.close().await;
}
