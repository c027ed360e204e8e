//! A provider that gives no refresh token: said when the user consents, not when the grant has died of it.

use std::time::Duration;

use broker_e2e::{House, LONGEST_WAIT, Provider};
use broker_proto::v1::{AuditOutcome, Grant, GrantKey, GrantState, NeedsConsentCause, Reason};
use provider_sim::{Endpoint, Fault};
use serde_json::json;
use tonic::Code;

use crate::audit;
use crate::errors::refused;

const ACTION: &str = "no_offline_access";

#[tokio::test]
async fn a_consent_without_a_refresh_token_says_at_once_that_the_grant_ends_with_its_token() {
    for provider in Provider::ALL {
        let house = House::plan().scheduler().open().await;
        let without = Fault::rewrite(Endpoint::Exchange, json!({ "refresh_token": null }));
        house.simulator(provider).faults().push(without);
        let key = house.key(provider, "ada");
        let (_, callback) = house.approve(&key).await;
        let grant = house.client.complete(&key, &callback).await.unwrap();
        assert_eq!((grant.state(), grant.refreshable), (GrantState::Active, false), "{provider:?}");
        assert_eq!(grant.next_refresh_time, None, "nothing is planned that cannot be");
        assert_eq!(grant.grant_expire_time, grant.access_token_expire_time, "{provider:?}");
        assert!(!house.client.grant(&key).await.unwrap().refreshable);

        let records = audit::events(&house, "acme").await;
        let told: Vec<_> = records.iter().filter(|record| record.action == ACTION).collect();
        let [told] = told.as_slice() else { panic!("one record of it: {records:?}") };
        let about = told.key.as_ref().unwrap();
        assert_eq!((&about.provider, &about.user_id), (&key.provider, &key.user_id));
        assert_eq!((told.outcome(), told.generation), (AuditOutcome::Succeeded, 1), "{provider:?}");
        assert!(house.log().contains("the provider gave no refresh token"), "{provider:?}");

        let token = house.vend(&key).await.unwrap();
        assert_eq!(house.api_status(provider, &token).await, 200);
        house.outlive_token(provider);
        let error = refused(house.vend(&key).await, Code::FailedPrecondition, Reason::ConsentRequired);
        assert_eq!(error.metadata("cause"), Some("NO_OFFLINE_ACCESS"), "{provider:?}");
        assert_eq!(house.simulator(provider).journal().refreshes(), 0, "there was nothing to refresh with");
        let ended = until_ended(&house, &key).await;
        assert_eq!(ended.needs_consent_cause(), NeedsConsentCause::NoOfflineAccess, "{provider:?}");
        house.close().await;
    }
}

/// Nobody has to ask for a token for that: it is looked for.
async fn until_ended(house: &House, key: &GrantKey) -> Grant {
    let ended = async {
        loop {
            let grant = house.client.grant(key).await.unwrap();
            if grant.state() == GrantState::NeedsConsent {
                return grant;
            }
            house.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, ended).await.expect("the grant ends with its access token")
}

#[tokio::test]
async fn a_consent_with_one_says_nothing_of_the_kind() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    assert!(house.client.grant(&key).await.unwrap().refreshable);
    assert!(audit::events(&house, "acme").await.iter().all(|record| record.action != ACTION));
    house.close().await;
}
