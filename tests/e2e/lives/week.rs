//! Eagle Eye: everything ends seven days after the consent, whatever is refreshed, and whatever the calendar does.

use std::time::Duration;

use broker_e2e::house::Plan;
use broker_e2e::{House, Provider};
use broker_proto::v1::{EventType, GrantState, Reason};
use provider_sim::{EagleEyeConfig, GrantPolicy};
use tonic::Code;

use super::life::Life;
use super::window::Ends;
use super::{DAY, HOUR, NOTICES, reconsent};
use crate::errors::refused;

pub(super) const WEEK: Duration = DAY.saturating_mul(7);

const ENDS: Ends = Ends { idle: None, whole: Some(WEEK) };

/// An Eagle Eye that ends grants after their week.
pub(super) fn plan() -> Plan {
    let week = EagleEyeConfig { grant_policy: GrantPolicy::fixed7(), ..EagleEyeConfig::demo() };
    House::plan().eagle_eye(week)
}

/// Noon UTC on 2028-02-26: the 29th lies ahead.
#[tokio::test]
async fn a_week_with_a_leap_day() {
    whole_life_from(1_835_179_200).await;
}

/// Noon UTC on 2026-03-26: in the night to the 29th clocks in Europe are put forward.
#[tokio::test]
async fn a_week_with_the_beginning_of_summer_time() {
    whole_life_from(1_774_526_400).await;
}

/// Noon UTC on 2026-10-22: in the night to the 25th they are put back.
#[tokio::test]
async fn a_week_with_the_end_of_summer_time() {
    whole_life_from(1_792_670_400).await;
}

async fn whole_life_from(start: u64) {
    let mut life = Life::begin(plan().starts_at(start), Provider::EagleEye, Some(WEEK)).await.used();
    life.consent().await;
    lives_its_week(&mut life).await;
    dies(&mut life).await;
    reconsent::after_its_death(&mut life, ENDS).await;
    reconsent::before_its_death(&mut life, ENDS).await;
    assert_eq!((life.refreshes().1, life.waits), (1, 0), "no refresh token is shown twice, and nobody waits");
    life.house.close().await;
}

/// Every notice comes once and in its time, and it is on the list of those at risk in its time.
async fn lives_its_week(life: &mut Life) {
    life.pass(DAY * 3).await;
    assert_eq!((life.notices(), life.is_at_risk(DAY * 3).await), (vec![], false));
    life.pass(DAY + HOUR).await;
    assert!(life.is_at_risk(DAY * 3).await);
    life.pass(DAY * 3 - HOUR * 2).await;
    assert_eq!(life.notices(), NOTICES);
    let grant = life.grant().await;
    assert_eq!(grant.grant_expire_time.unwrap().seconds, life.consented + 7 * 86_400);
    let notice = life.told.last(EventType::GrantExpiring).unwrap();
    assert_eq!(notice.grant_expire_time, grant.grant_expire_time);
    assert!(life.is_at_risk(HOUR * 2).await);
}

/// Its token may have died with it, so none is served any more: the error says what to do.
async fn dies(life: &mut Life) {
    assert_eq!(life.told.count(EventType::GrantExpired), 0);
    life.pass(HOUR * 2).await;
    let ended = life.grant().await.grant_expire_time;
    assert_eq!(life.grant().await.state(), GrantState::ConsentExpired);
    assert_eq!(life.told.last(EventType::GrantExpired).unwrap().grant_expire_time, ended);
    assert!(!life.is_at_risk(DAY).await, "it is lost already");
    let error = refused(life.vend().await, Code::FailedPrecondition, Reason::GrantExpired);
    let said = |name: &str| error.metadata(name).unwrap_or_else(|| panic!("no {name} in {error}"));
    assert_eq!(said("ended_time").parse::<prost_types::Timestamp>().unwrap().seconds, ended.unwrap().seconds);
    assert_eq!((said("registration_id"), said("next_step")), ("main", "StartAuthorization"));
    let notices = [EventType::GrantExpiring; NOTICES.len()];
    let turns = [&[EventType::GrantCreated][..], &notices, &[EventType::GrantExpired]].concat();
    assert_eq!(life.told.turns(), turns);
}
