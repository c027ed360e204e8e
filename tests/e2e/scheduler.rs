//! Grants that nobody asks for are kept fresh.

use std::time::{Duration, Instant};

use broker_e2e::{House, LONGEST_WAIT, Provider, ask};
use broker_proto::v1::{GetAccessTokenRequest, Grant, GrantKey, ServedStaleReason};
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
    let mut grants = Vec::new();
    for provider in Provider::ALL {
        let key = house.consent(provider, "ada").await;
        let grant = house.client.grant(&key).await.unwrap();
        grants.push((provider, key, grant));
    }
    // Five minutes at a time through a day and a half: 36 lives at Evercam, three at Eagle Eye.
    for _ in 0..36 * 12 {
        house.clock.advance(Duration::from_secs(300));
        for (provider, key, _) in &grants {
            let token = house.vend(key).await.unwrap();
            assert_eq!(token.served_stale_reason(), ServedStaleReason::Unspecified, "{provider:?}");
            assert!(token.expire_time.unwrap().seconds >= house.clock.seconds() + 60, "{provider:?}");
        }
        for (provider, key, grant) in &mut grants {
            *grant = until_adopted(&house, *provider, key, grant.clone()).await;
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

/// A refresh under way would be minutes late if time went on, and its outcome in doubt.
async fn until_adopted(house: &House, provider: Provider, key: &GrantKey, before: Grant) -> Grant {
    if before.next_refresh_time.unwrap().seconds > house.clock.seconds() {
        return before;
    }
    let known = usize::try_from(before.generation).unwrap();
    let deadline = Instant::now() + LONGEST_WAIT;
    loop {
        let grant = house.client.grant(key).await.unwrap();
        if grant.generation > before.generation {
            return grant;
        }
        assert!(Instant::now() < deadline, "{provider:?}: a due grant was not refreshed");
        let journal = house.simulator(provider).journal();
        match journal.wait_for(|journal| journal.refreshes() >= known, Duration::from_secs(1)).await {
            // What the provider has answered is adopted in a moment.
            Ok(()) => tokio::task::yield_now().await,
            // See `until_refreshed`.
            Err(_) => house.clock.advance(Duration::from_secs(1)),
        }
    }
}

async fn freshest(house: &House, key: &GrantKey) -> u64 {
    let forever = prost_types::Duration { seconds: 7 * 24 * 3600, nanos: 0 };
    let demanding = GetAccessTokenRequest { min_validity: Some(forever), ..ask(key) };
    house.vend_as(demanding).await.unwrap().generation
}
