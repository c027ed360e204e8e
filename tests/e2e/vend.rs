//! What comes with a vended token, and what becomes of the one before it.

use std::time::Duration;

use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{GetAccessTokenRequest, GetAccessTokenResponse, ServedStaleReason};
use provider_sim::{EagleEyeConfig, Endpoint, Fault, HttpsBaseUrl, When};

#[tokio::test]
async fn a_token_comes_with_everything_its_user_needs() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let now = house.clock.seconds();
        let grant = house.client.grant(&key).await.unwrap();

        let token = house.vend(&key).await.unwrap();

        assert_eq!(token.token_type, "Bearer");
        assert_eq!(token.headers.len(), 1);
        assert_eq!(token.headers["authorization"], format!("Bearer {}", token.access_token));
        assert_eq!((token.generation, token.grant_id.as_str()), (1, grant.grant_id.as_str()));
        assert_eq!(token.scopes, provider.scopes());
        assert_eq!(token.served_stale_reason(), ServedStaleReason::Unspecified);
        let life = i64::try_from(provider.token_life().as_secs()).unwrap();
        let (expires, hint) = (seconds(token.expire_time), seconds(token.refresh_hint_time));
        // Eagle Eye rounds `expires_in` down.
        assert!((now + life - 1..=now + life).contains(&expires), "{expires} is not {life} s after {now}");
        assert!(hint > now && hint < expires, "{hint} is not between {now} and {expires}");
        let (window, base_url) = match provider {
            Provider::Evercam => (30, ""),
            Provider::EagleEye => (7, "https://api.c001.eagleeyenetworks.com:443"),
        };
        assert_eq!(seconds(token.grant_expire_time), now + window * 24 * 3600);
        assert_eq!((token.api_base_url.as_str(), grant.api_base_url.as_str()), (base_url, base_url));
        assert_eq!(house.api_status(provider, &token).await, 200);
        house.close().await;
    }
}

fn seconds(time: Option<prost_types::Timestamp>) -> i64 {
    time.unwrap().seconds
}

#[tokio::test]
async fn a_base_url_outside_the_provider_is_left_out() {
    let https_base_url = HttpsBaseUrl { hostname: "evil.example".to_owned(), port: 443 };
    let house =
        House::plan().eagle_eye(EagleEyeConfig { https_base_url, ..EagleEyeConfig::demo() }).open().await;
    let key = house.consent(Provider::EagleEye, "ada").await;
    assert_eq!(house.vend(&key).await.unwrap().api_base_url, "");
    house.close().await;
}

#[tokio::test]
async fn the_old_token_dies_at_eagle_eye_and_lives_on_at_evercam() {
    for (provider, old_token) in [(Provider::Evercam, 200), (Provider::EagleEye, 401)] {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let old = house.vend(&key).await.unwrap();
        house.client.refresh(&key).await.unwrap();
        let new = house.vend(&key).await.unwrap();

        assert_eq!((new.generation, old.access_token == new.access_token), (2, false));
        assert_eq!(house.api_status(provider, &new).await, 200);
        assert_eq!(house.api_status(provider, &old).await, old_token, "{provider:?}");
        house.close().await;
    }
}

#[tokio::test]
async fn a_fresh_token_is_served_from_what_is_held() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let first = house.vend(&key).await.unwrap();
        for _ in 0..10 {
            assert_eq!(house.vend(&key).await.unwrap().access_token, first.access_token);
        }
        assert_eq!(house.simulator(provider).journal().refreshes(), 0);
        house.close().await;
    }
}

#[tokio::test]
async fn a_token_too_short_for_the_caller_is_replaced() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let half = provider.token_life() / 2;
        // Longer than any token lives: it counts as half of that life.
        let forever = prost_types::Duration { seconds: 7 * 24 * 3600, nanos: 0 };
        let demanding = GetAccessTokenRequest { min_validity: Some(forever), ..ask(&key) };

        house.clock.advance(half - Duration::from_secs(60));
        assert_eq!(house.vend_as(demanding.clone()).await.unwrap().generation, 1);
        house.clock.advance(Duration::from_secs(120));
        assert_eq!(house.vend(&key).await.unwrap().generation, 1, "a minute is left, easily");
        assert_eq!(house.vend_as(demanding).await.unwrap().generation, 2);
        house.close().await;
    }
}

#[tokio::test]
async fn while_a_refresh_runs_evercams_token_is_served_and_eagle_eyes_is_waited_for() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let simulator = house.simulator(provider);
        simulator.faults().push(Fault::latency(Endpoint::Refresh, Duration::from_millis(300)));

        let asked = async {
            let arrived = |journal: &provider_sim::Journal| {
                journal.count(|entry| entry.endpoint == Endpoint::Refresh) == 1
            };
            simulator.journal().wait_for(arrived, broker_e2e::LONGEST_WAIT).await.unwrap();
            house.vend(&key).await.unwrap()
        };
        let (refreshed, token): (_, GetAccessTokenResponse) = tokio::join!(house.client.refresh(&key), asked);

        assert_eq!(refreshed.unwrap().generation, 2);
        assert_eq!(token.served_stale_reason(), ServedStaleReason::Unspecified);
        let expected = if provider == Provider::Evercam { 1 } else { 2 };
        assert_eq!(token.generation, expected, "{provider:?}");
        assert_eq!(house.api_status(provider, &token).await, 200, "{provider:?}: what is served works");
        house.close().await;
    }
}

#[tokio::test]
async fn in_doubt_evercams_token_is_good_and_eagle_eyes_is_marked() {
    for (provider, reason) in [
        (Provider::Evercam, ServedStaleReason::Unspecified),
        (Provider::EagleEye, ServedStaleReason::RotationUncertain),
    ] {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let lost = Fault::drop_connection(Endpoint::Refresh, When::AfterCommit);
        house.simulator(provider).faults().push(lost);
        house.client.refresh(&key).await.unwrap_err();

        let token = house.vend(&key).await.unwrap();

        assert_eq!((token.generation, token.served_stale_reason()), (1, reason), "{provider:?}");
        house.close().await;
    }
}
