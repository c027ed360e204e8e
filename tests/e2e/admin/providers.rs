use broker_e2e::client::read;
use broker_e2e::{House, Provider};
use broker_proto::v1::{BreakerState, ListProvidersRequest, RotationKind};
use provider_sim::{Endpoint, Fault, FaultBody, When};

async fn listed(house: &House) -> Vec<broker_proto::v1::Provider> {
    read(house.client.admin().list_providers(ListProvidersRequest::default()).await).unwrap().providers
}

#[tokio::test]
async fn providers_are_listed_with_what_is_known_of_them() {
    let house = House::open().await;
    let providers = listed(&house).await;
    let facts: Vec<_> = providers
        .iter()
        .map(|p| (p.provider.as_str(), p.adapter.as_str(), p.rotation_kind(), p.in_flight_count))
        .collect();
    let single_use = RotationKind::SingleUse;
    let expected = [("eagle-eye", "eagle-eye", single_use, 0), ("evercam", "evercam", single_use, 0)];
    assert_eq!(facts, expected);
    for provider in &providers {
        let states = [&provider.circuit_breaker, &provider.fleet_breaker];
        assert!(states.iter().all(|breaker| breaker.as_ref().unwrap().state() == BreakerState::Closed));
        assert_eq!((provider.last_success_time, provider.grace), (None, None));
    }
    let first = ListProvidersRequest { page_size: 1, ..Default::default() };
    let page = read(house.client.admin().list_providers(first.clone()).await).unwrap();
    let next = ListProvidersRequest { page_token: page.next_page_token, ..first };
    let page = read(house.client.admin().list_providers(next).await).unwrap();
    assert_eq!((page.providers[0].provider.as_str(), page.next_page_token.as_str()), ("evercam", ""));
    house.close().await;
}

#[tokio::test]
async fn a_provider_that_throttles_is_shown_with_an_open_circuit() {
    let house = House::open().await;
    let body = FaultBody::Json(serde_json::json!({ "error": "temporarily_unavailable" }));
    let fault = Fault::respond(Endpoint::Refresh, When::BeforeCommit, 503, body).forever();
    house.simulator(Provider::Evercam).faults().push(fault);
    for user in ["a", "b", "c", "d", "e"] {
        let key = house.consent(Provider::Evercam, user).await;
        house.client.refresh(&key).await.unwrap_err();
    }
    let providers = listed(&house).await;
    let [well, ill] = [0, 1].map(|at| providers[at].circuit_breaker.clone().unwrap());
    assert_eq!((well.state(), ill.state()), (BreakerState::Closed, BreakerState::Open));
    assert_eq!(ill.open_time.unwrap().seconds, house.clock.seconds());
    assert!(ill.retry_time.unwrap().seconds >= house.clock.seconds() && !ill.note.is_empty());
    house.close().await;
}
