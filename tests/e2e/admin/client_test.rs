use std::time::Duration;

use broker_e2e::client::{read, registration};
use broker_e2e::{Answer, House, Provider};
use broker_proto::v1::{
    ClientSecretTest, ClientSecretVerdict, CreateClientRegistrationRequest, Reason,
    TestClientRegistrationRequest,
};
use provider_sim::{Endpoint, Fault, When};
use tonic::{Code, Request};

use super::add_secret;
use crate::errors::refused;

async fn test(house: &House, provider: Provider, id: &str) -> Answer<Vec<ClientSecretTest>> {
    let mut request = Request::new(TestClientRegistrationRequest {
        tenant_id: "acme".to_owned(),
        provider: provider.name().to_owned(),
        registration_id: id.to_owned(),
    });
    request.set_timeout(Duration::from_secs(20));
    Ok(read(house.client.admin().test_client_registration(request).await)?.secret_tests)
}

fn verdicts(tests: &[ClientSecretTest]) -> Vec<(&str, ClientSecretVerdict)> {
    tests.iter().map(|test| (test.secret_id.as_str(), test.verdict())).collect()
}

#[tokio::test]
async fn each_secret_gets_a_verdict_and_no_grant_is_touched() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        add_secret(&house, ("acme", provider), "a-wrong-secret", true).await;
        let tests = test(&house, provider, "main").await.unwrap();
        assert_eq!(
            verdicts(&tests),
            [("2", ClientSecretVerdict::Rejected), ("1", ClientSecretVerdict::Accepted)],
            "{provider:?}"
        );
        let said: Vec<_> = tests.iter().map(|test| (test.oauth_error.as_str(), test.http_status)).collect();
        assert_eq!(said, [("invalid_client", 401), ("invalid_grant", 400)]);
        let journal = house.simulator(provider).journal();
        assert_eq!(
            (journal.refreshes(), journal.max_presentations()),
            (0, 0),
            "no token of anybody's was shown"
        );
        assert_eq!(house.client.refresh(&key).await.unwrap().generation, 2);
        house.close().await;
    }
}

#[tokio::test]
async fn a_public_client_has_one_verdict() {
    let house = House::open().await;
    let provider = Provider::Evercam;
    let public = CreateClientRegistrationRequest {
        registration_id: "public".to_owned(),
        client_secret: String::new(),
        public: true,
        ..registration("acme", provider)
    };
    house.client.register(public).await.unwrap();
    let tests = test(&house, provider, "public").await.unwrap();
    // The simulator knows the client as a confidential one.
    assert_eq!(verdicts(&tests), [("", ClientSecretVerdict::Rejected)]);
    refused(test(&house, provider, "none").await, Code::NotFound, Reason::NoClientRegistration);
    house.close().await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_unreachable_and_one_that_fails_allows_no_conclusion() {
    let mut house = House::open().await;
    let provider = Provider::Evercam;
    let fault = Fault::drop_connection(Endpoint::Refresh, When::BeforeCommit);
    house.simulator(provider).faults().push(fault);
    let tests = test(&house, provider, "main").await.unwrap();
    assert_eq!(verdicts(&tests), [("1", ClientSecretVerdict::Unreachable)]);
    let body = provider_sim::FaultBody::Json(serde_json::json!({}));
    let fault = Fault::respond(Endpoint::Refresh, When::BeforeCommit, 503, body);
    house.simulator(provider).faults().push(fault);
    let tests = test(&house, provider, "main").await.unwrap();
    assert_eq!((tests[0].verdict(), tests[0].http_status), (ClientSecretVerdict::Inconclusive, 503));
    house.shut_down(provider).await;
    let tests = test(&house, provider, "main").await.unwrap();
    assert_eq!((tests[0].verdict(), tests[0].http_status), (ClientSecretVerdict::Unreachable, 0));
    house.close().await;
}
