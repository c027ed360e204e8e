//! Grants that never die, of a provider that repeats its tokens as long as they are valid.

use broker_e2e::House;
use broker_proto::v1::{EventType, GrantState, NeedsConsentCause, Reason};
use provider_sim::{EagleEyeConfig, GrantPolicy};
use tonic::Code;

use super::DAY;
use super::life::Life;
use super::window::{Ends, SetBy};
use crate::errors::refused;

const NEVER: Ends = Ends { idle: None, whole: None };

#[tokio::test]
async fn set_by_the_provider() {
    lives_on(SetBy::Provider).await;
}

#[tokio::test]
async fn set_by_the_registration() {
    lives_on(SetBy::Registration).await;
}

async fn lives_on(set_by: SetBy) {
    let grant_policy = GrantPolicy::permanent_nonrotating();
    let plan = House::plan().eagle_eye(EagleEyeConfig { grant_policy, ..EagleEyeConfig::demo() });
    let mut life = NEVER.begin(plan, set_by).await.used();
    life.consent().await;
    life.pass(DAY * 30).await;
    let grant = life.grant().await;
    assert_eq!((grant.state(), grant.grant_expire_time), (GrantState::Active, None));
    assert_eq!(life.told.turns(), [EventType::GrantCreated], "nothing is announced, and nothing ends");
    assert!(!life.is_at_risk(DAY * 3650).await);
    assert!(life.waits <= 60, "seconds at the end of each token, when there is no other yet: {}", life.waits);
    let (refreshes, _) = life.refreshes();
    assert!((60..=190).contains(&refreshes), "about two for each token, and no more: {refreshes}");

    is_consented_to_while_it_lives(&mut life).await;
    let mut life = life.unused();
    its_user_revokes_it_at_the_provider(&mut life).await;
    let mut life = life.used();
    is_consented_to_after_its_death(&mut life).await;
    life.house.close().await;
}

async fn is_consented_to_while_it_lives(life: &mut Life) {
    let generation = life.grant().await.generation;
    life.consent().await;
    let renewed = life.grant().await;
    assert_eq!((renewed.generation, renewed.grant_expire_time), (generation + 1, None));
    life.pass(DAY * 10).await;
    assert_eq!(life.grant().await.state(), GrantState::Active);
    assert_eq!(life.told.turns(), [EventType::GrantCreated], "it is told as a refresh");
}

/// What never ends by itself dies of this alone.
async fn its_user_revokes_it_at_the_provider(life: &mut Life) {
    life.house.simulator(life.provider).revoke_all_of_user("a11ce001").unwrap();
    // A grant nobody uses is refreshed every seven days.
    life.pass(DAY * 8).await;
    let grant = life.grant().await;
    assert_eq!(
        (grant.state(), grant.needs_consent_cause()),
        (GrantState::NeedsConsent, NeedsConsentCause::Revoked)
    );
    assert_eq!(life.told.turns(), [EventType::GrantCreated, EventType::GrantNeedsConsent]);
    refused(life.vend().await, Code::FailedPrecondition, Reason::ConsentRequired);
}

async fn is_consented_to_after_its_death(life: &mut Life) {
    life.consent().await;
    assert_eq!(life.told.turns().last(), Some(&EventType::GrantRecovered));
    assert_eq!(life.grant().await.grant_expire_time, None);
    life.pass(DAY * 10).await;
    assert_eq!(
        life.told.turns().last(),
        Some(&EventType::GrantRecovered),
        "nothing ends, and nothing is announced"
    );
}
