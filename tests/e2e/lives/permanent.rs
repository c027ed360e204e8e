//! Grants that never die, of a provider that repeats its tokens as long as they are valid.

use broker_e2e::House;
use broker_proto::v1::{EventType, GrantState};
use provider_sim::{EagleEyeConfig, GrantPolicy};

use super::DAY;
use super::window::{Ends, SetBy};

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
    life.house.close().await;
}
