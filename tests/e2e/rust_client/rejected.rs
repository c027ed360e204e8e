//! Tokens that a provider's API rejects, through the layer.

use std::time::Duration;

use broker_e2e::{House, Provider};
use broker_proto::client::TokenLayer;
use broker_proto::v1::GrantKey;
use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use provider_sim::{Endpoint, Fault, FaultBody, When};
use tower::{Layer as _, Service as _};

use super::request::Api;
use super::{GET, REPORT, Service};

/// A younger token is not refreshed for a report.
const OLD_ENOUGH: Duration = Duration::from_secs(30);

/// Everything around one request that goes through the layer.
struct Scene {
    house: House,
    provider: Provider,
    key: GrantKey,
    service: Service,
}

/// What came of a request: its status, and what the API answered to each time it was sent.
type Seen = (u16, Vec<u16>);

impl Scene {
    async fn set(provider: Provider, age: Duration) -> Self {
        let house = House::open().await;
        let service = Service::of(&house);
        let key = house.consent(provider, "ada").await;
        service.token(&house, &key).await;
        house.clock.advance(age);
        Self { house, provider, key, service }
    }

    /// Sends a request to an API that answers these statuses first, and by the token then.
    async fn send(&self, statuses: &[u16]) -> Seen {
        let simulator = self.house.simulator(self.provider);
        // The broker asks whose account it is at each consent.
        let before = self.answered().len();
        for status in statuses {
            let fault = Fault::respond(Endpoint::Api, When::BeforeCommit, *status, FaultBody::Provider);
            simulator.faults().push(fault);
        }
        let layer = TokenLayer::for_key(self.service.tokens.clone(), self.key.clone());
        let mut api = layer.retrying(|_: &Empty<Bytes>| Some(Empty::new())).layer(Api(simulator.address()));
        let request = Request::get(self.provider.api_path()).header("host", simulator.address().to_string());
        let answer = api.call(request.body(Empty::new()).unwrap()).await.unwrap();
        (answer.status().as_u16(), self.answered().split_off(before))
    }

    /// What the API has answered so far.
    fn answered(&self) -> Vec<u16> {
        let entries = self.house.simulator(self.provider).journal().entries();
        let of_api = entries.into_iter().filter(|entry| entry.endpoint == Endpoint::Api);
        of_api.map(|entry| entry.outcome.unwrap().status.unwrap()).collect()
    }

    fn refreshes(&self) -> usize {
        self.house.simulator(self.provider).journal().refreshes()
    }
}

#[tokio::test]
async fn after_a_401_the_request_is_sent_once_more_with_a_newer_token() {
    for provider in Provider::ALL {
        let scene = Scene::set(provider, OLD_ENOUGH).await;
        assert_eq!(scene.send(&[401]).await, (200, vec![401, 200]));
        assert_eq!((scene.refreshes(), scene.service.calls.of(REPORT)), (1, 1));
        assert_eq!(scene.service.token(&scene.house, &scene.key).await.generation(), 2);
        assert_eq!(scene.send(&[]).await, (200, vec![200]));
        // Eagle Eye's old token is invalidated on the stream, and may be asked for meanwhile.
        assert!(provider == Provider::EagleEye || scene.service.calls.of(GET) == 1);
        scene.house.close().await;
    }
}

#[tokio::test]
async fn a_second_401_is_passed_on() {
    let scene = Scene::set(Provider::EagleEye, OLD_ENOUGH).await;
    assert_eq!(scene.send(&[401, 401]).await, (401, vec![401, 401]));
    assert_eq!((scene.refreshes(), scene.service.calls.of(REPORT)), (1, 1));
    scene.house.close().await;
}

#[tokio::test]
async fn a_403_is_no_fault_of_the_token() {
    let scene = Scene::set(Provider::Evercam, OLD_ENOUGH).await;
    assert_eq!(scene.send(&[403]).await, (403, vec![403]));
    assert_eq!((scene.refreshes(), scene.service.calls.of(REPORT)), (0, 0));
    assert_eq!(scene.service.token(&scene.house, &scene.key).await.generation(), 1);
    scene.house.close().await;
}

#[tokio::test]
async fn a_young_token_is_reported_and_not_refreshed() {
    let scene = Scene::set(Provider::Evercam, OLD_ENOUGH - Duration::from_secs(1)).await;
    assert_eq!(scene.send(&[401]).await, (401, vec![401]));
    assert_eq!((scene.refreshes(), scene.service.calls.of(REPORT)), (0, 1));
    scene.house.close().await;
}
