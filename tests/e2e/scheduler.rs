//! Grants that nobody asks for are kept fresh.

use std::time::Duration;

use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{GetAccessTokenRequest, GrantKey, ServedStaleReason};
use provider_sim::Endpoint;

const LIVES: usize = 5;

#[tokio::test]
async fn a_grant_nobody_asks_for_lives_through_several_tokens() {
    for provider in Provider::ALL {
        let house = House::plan().scheduler().open().await;
        let key = house.consent(provider, "ada").await;
        for refreshes in 1..=LIVES {
            let grant = house.client.grant(&key).await.unwrap();
            let due = grant.next_refresh_time.unwrap().seconds;
            assert!(due < grant.access_token_expire_time.unwrap().seconds, "due before it expires");
            advance_to(&house, due);
            until_refreshed(&house, provider, refreshes).await;
            // Waits for the refresh that runs; a token past half of its life would not do.
            let generation = u64::try_from(refreshes).unwrap() + 1;
            assert_eq!(freshest(&house, &key).await, generation, "{provider:?}");
        }
        let journal = house.simulator(provider).journal();
        assert_eq!((journal.refreshes(), journal.max_presentations()), (LIVES, 1), "{provider:?}");
        house.close().await;
    }
}

#[tokio::test]
async fn a_caller_never_meets_a_gap() {
    let house = House::plan().scheduler().open().await;
    let mut keys = Vec::new();
    for provider in Provider::ALL {
        keys.push((provider, house.consent(provider, "ada").await));
    }
    // Five minutes at a time through a day and a half: 36 lives at Evercam, three at Eagle Eye.
    for _ in 0..36 * 12 {
        house.clock.advance(Duration::from_secs(300));
        for (provider, key) in &keys {
            let token = house.vend(key).await.unwrap();
            assert_eq!(token.served_stale_reason(), ServedStaleReason::Unspecified, "{provider:?}");
            assert!(token.expire_time.unwrap().seconds >= house.clock.seconds() + 60, "{provider:?}");
        }
    }
    for (provider, lives) in [(Provider::Evercam, 36), (Provider::EagleEye, 3)] {
        let journal = house.simulator(provider).journal();
        assert!(journal.refreshes() >= lives, "{provider:?}: {}", journal.refreshes());
        assert_eq!(journal.max_presentations(), 1, "{provider:?}");
        let wasted = journal.count(|entry| entry.endpoint == Endpoint::Refresh) - journal.refreshes();
        assert_eq!(wasted, 0, "{provider:?}: every refresh succeeded");
    }
    house.close().await;
}

fn advance_to(house: &House, seconds: i64) {
    // A whole second more: times of the contract are cut to seconds here.
    house.clock.advance(Duration::from_secs(u64::try_from(seconds + 1 - house.clock.seconds()).unwrap()));
}

/// A scheduler that was just reading the clock sleeps until the next tick: time must go on for it.
async fn until_refreshed(house: &House, provider: Provider, refreshes: usize) {
    let journal = house.simulator(provider).journal();
    for _ in 0..20 {
        let patience = Duration::from_secs(1);
        if journal.wait_for(|journal| journal.refreshes() == refreshes, patience).await.is_ok() {
            return;
        }
        house.clock.advance(Duration::from_secs(1));
    }
    panic!("{provider:?}: the grant was not refreshed, though it was due");
}

async fn freshest(house: &House, key: &GrantKey) -> u64 {
    let forever = prost_types::Duration { seconds: 7 * 24 * 3600, nanos: 0 };
    let demanding = GetAccessTokenRequest { min_validity: Some(forever), ..ask(key) };
    house.vend_as(demanding).await.unwrap().generation
}
