//! Revoking: nothing is served from the answer on, and at the provider the tokens are really dead.

use std::time::Duration;

use broker_e2e::client::read;
use broker_e2e::{House, LONGEST_WAIT, Provider};
use broker_proto::v1::{self, GrantState, Reason, RevocationOutcome};
use provider_sim::{Endpoint, Fault, FaultBody, When};

async fn revoke(house: &House, key: &v1::GrantKey) -> v1::Grant {
    let request = v1::RevokeGrantRequest { key: Some(key.clone()) };
    read(house.client.consents().revoke_grant(request).await).unwrap().grant.unwrap()
}

/// Waits until the grant is in this state.
async fn until(house: &House, key: &v1::GrantKey, state: GrantState) -> v1::Grant {
    let waiting = async {
        loop {
            let grant = house.client.grant(key).await.unwrap();
            if grant.state() == state {
                return grant;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the grant gets there")
}

async fn assert_refused(house: &House, key: &v1::GrantKey) {
    let refused = house.vend(key).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::ConsentRequired));
    assert_eq!(refused.metadata("cause"), Some("REVOKED"));
}

fn revocations(house: &House, provider: Provider) -> usize {
    let entries = house.simulator(provider).journal().entries();
    entries.iter().filter(|entry| entry.endpoint == Endpoint::Revoke).count()
}

#[tokio::test]
async fn a_revoked_grant_is_not_served_and_its_token_is_dead_at_the_provider() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let token = house.vend(&key).await.unwrap();
        assert_eq!(house.api_status(provider, &token).await, 200);

        assert!(matches!(revoke(&house, &key).await.state(), GrantState::Revoking | GrantState::Revoked));
        assert_refused(&house, &key).await;
        let grant = until(&house, &key, GrantState::Revoked).await;

        assert_eq!(grant.revocation_outcome(), RevocationOutcome::Revoked);
        assert_eq!((grant.access_token_expire_time, grant.next_refresh_time), (None, None));
        assert_eq!(house.api_status(provider, &token).await, 401, "{provider:?}");
        assert_refused(&house, &key).await;
        let asked = revocations(&house, provider);
        assert_eq!(revoke(&house, &key).await.state(), GrantState::Revoked, "idempotent");
        assert_eq!(revocations(&house, provider), asked);
        house.close().await;
    }
}

#[tokio::test]
async fn a_provider_in_trouble_is_asked_until_it_answers() {
    let house =
        House::plan().scheduler().rotation("retry_base", "50ms").rotation("tick", "50ms").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let token = house.vend(&key).await.unwrap();
    let simulator = house.simulator(Provider::Evercam);
    for _ in 0..2 {
        simulator.faults().push(Fault::respond(Endpoint::Revoke, When::BeforeCommit, 503, FaultBody::Html));
    }
    revoke(&house, &key).await;
    assert_refused(&house, &key).await;
    let waiting = async {
        while house.client.grant(&key).await.unwrap().state() != GrantState::Revoked {
            house.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it is revoked");
    assert_eq!(revocations(&house, Provider::Evercam), 3);
    assert_eq!(house.api_status(Provider::Evercam, &token).await, 401);
    house.close().await;
}

#[tokio::test]
async fn a_refresh_under_way_goes_on_and_what_it_brings_is_revoked_too() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let token = house.vend(&key).await.unwrap();
        let simulator = house.simulator(provider);
        simulator.faults().push(Fault::hang(Endpoint::Refresh, When::AfterCommit));
        let meanwhile = async {
            let reached = simulator.journal().wait_for(|journal| journal.refreshes() == 1, LONGEST_WAIT);
            reached.await.unwrap();
            revoke(&house, &key).await;
            until(&house, &key, GrantState::Revoked).await;
            let asked = revocations(&house, provider);
            simulator.faults().clear();
            asked
        };
        let (refreshed, asked) = tokio::join!(house.client.refresh(&key), meanwhile);
        refreshed.unwrap_err();

        let waiting = async {
            while revocations(&house, provider) == asked {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the answer is revoked");
        until(&house, &key, GrantState::Revoked).await;
        assert_refused(&house, &key).await;
        assert_eq!(house.api_status(provider, &token).await, 401, "the whole family is dead");
        house.close().await;
    }
}

#[tokio::test]
async fn a_new_consent_makes_a_revoked_grant_active() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        revoke(&house, &key).await;
        until(&house, &key, GrantState::Revoked).await;
        house.consent(provider, "ada").await;
        let token = house.vend(&key).await.unwrap();
        assert_eq!(house.api_status(provider, &token).await, 200);
        assert_eq!(house.client.grant(&key).await.unwrap().state(), GrantState::Active);
        house.close().await;
    }
}

#[tokio::test]
async fn a_filter_tells_first_what_it_would_revoke() {
    let house = House::open().await;
    let ada = house.consent(Provider::Evercam, "ada").await;
    let bob = house.consent(Provider::Evercam, "bob").await;
    let eve = house.consent(Provider::EagleEye, "eve").await;
    let ask = async |dry_run| {
        let filter = v1::GrantFilter {
            tenant_id: ada.tenant_id.clone(),
            provider: Provider::Evercam.name().to_owned(),
            ..Default::default()
        };
        let request = v1::RevokeGrantsRequest { filter: Some(filter), dry_run };
        read(house.client.admin().revoke_grants(request).await).unwrap()
    };
    let would = ask(true).await;
    assert_eq!((would.matched_count, would.sample.len(), would.more), (2, 2, false));
    house.vend(&ada).await.unwrap();

    assert_eq!(ask(false).await.matched_count, 2);
    for key in [&ada, &bob] {
        assert_refused(&house, key).await;
        until(&house, key, GrantState::Revoked).await;
    }
    house.vend(&eve).await.unwrap();
    assert_eq!(ask(false).await.matched_count, 0);
    let listed = v1::ListGrantsRequest { tenant_id: ada.tenant_id.clone(), ..Default::default() };
    let listed = read(house.client.admin().list_grants(listed).await).unwrap().grants;
    assert_eq!(listed.len(), 1, "revoked grants are listed when they are asked for");
    house.close().await;
}

#[tokio::test]
async fn a_filter_without_a_tenant_is_refused() {
    let house = House::open().await;
    let request = v1::RevokeGrantsRequest { filter: None, dry_run: true };
    let refused = read(house.client.admin().revoke_grants(request).await).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::InvalidRequest));
    house.close().await;
}
