//! Many tokens in one call: each request has an answer of its own.

use broker_e2e::client::read;
use broker_e2e::{Answer, House, Provider, ask};
use broker_proto::error::BrokerError;
use broker_proto::v1::batch_get_access_tokens_result::Result as BatchResult;
use broker_proto::v1::{BatchGetAccessTokensRequest, GetAccessTokenRequest, GrantKey, Reason};
use prost::Message as _;
use provider_sim::{Endpoint, Fault, FaultBody, When};
use tonic::{Code, Status};

#[tokio::test]
async fn answers_come_in_order_and_one_failure_is_one_failure() {
    let house = House::open().await;
    let ada = house.consent(Provider::Evercam, "ada").await;
    let bob = house.consent(Provider::EagleEye, "bob").await;
    let nobody = house.key(Provider::Evercam, "nobody");
    let malformed = GrantKey { tenant_id: "Not A Tenant".to_owned(), ..ada.clone() };
    let negative = prost_types::Duration { seconds: -1, nanos: 0 };
    let requests = vec![
        ask(&bob),
        ask(&nobody),
        ask(&ada),
        ask(&malformed),
        ask(&bob),
        GetAccessTokenRequest { required_scopes: vec!["other".to_owned()], ..ask(&ada) },
        GetAccessTokenRequest { min_validity: Some(negative), ..ask(&ada) },
    ];

    let results = batch(&house, requests).await;

    let (of_ada, of_bob) = (house.vend(&ada).await.unwrap(), house.vend(&bob).await.unwrap());
    let tokens: Vec<_> = results.iter().map(|result| result.as_ref().map(String::as_str).ok()).collect();
    let (ada, bob) = (Some(of_ada.access_token.as_str()), Some(of_bob.access_token.as_str()));
    assert_eq!(tokens, [bob, None, ada, None, bob, None, None]);
    let reasons: Vec<_> =
        results.iter().filter_map(|result| result.as_ref().err()).map(|error| reason(error)).collect();
    assert_eq!(
        reasons,
        [
            (Code::NotFound, Reason::GrantNotFound),
            (Code::InvalidArgument, Reason::InvalidRequest),
            (Code::FailedPrecondition, Reason::MissingScopes),
            (Code::InvalidArgument, Reason::InvalidRequest),
        ]
    );
    assert_eq!(results[3].as_ref().unwrap_err().field_violations()[0].field, "tenant_id");
    assert_eq!(results[5].as_ref().unwrap_err().metadata("missing"), Some("other"));
    house.close().await;
}

#[tokio::test]
async fn a_failing_refresh_fails_only_its_own_answer() {
    let house = House::open().await;
    let mut requests = Vec::new();
    for number in 0..8 {
        requests.push(ask(&house.consent(Provider::Evercam, &format!("user-{number}")).await));
    }
    house.outlive_token(Provider::Evercam);
    let simulator = house.simulator(Provider::Evercam);
    simulator.faults().push(Fault::respond(Endpoint::Refresh, When::BeforeCommit, 404, FaultBody::Html));
    // The same grant twice in one batch is refreshed once.
    requests.extend(requests.clone());

    let results = batch(&house, requests).await;

    let failed: Vec<usize> = (0..results.len()).filter(|&at| results[at].is_err()).collect();
    assert_eq!(failed.len(), 2, "one grant, asked for twice");
    assert_eq!(failed[0] + 8, failed[1]);
    let error = results[failed[0]].as_ref().unwrap_err();
    assert_eq!(reason(error), (Code::Unavailable, Reason::ProviderUnavailable));
    assert!(error.retry_delay().is_some());
    for at in (0..8).filter(|at| *at != failed[0]) {
        assert_eq!(results[at].as_ref().unwrap(), results[at + 8].as_ref().unwrap());
    }
    assert_eq!(simulator.journal().max_presentations(), 1);
    house.close().await;
}

/// The tokens and errors of a batch.
pub(crate) async fn batch(house: &House, requests: Vec<GetAccessTokenRequest>) -> Vec<Answer<String>> {
    let request = BatchGetAccessTokensRequest { requests };
    let response = read(house.client.tokens().batch_get_access_tokens(request).await).unwrap();
    let result = |result| match result {
        BatchResult::Token(token) => Ok(token.access_token),
        BatchResult::Status(status) => {
            let details = status.encode_to_vec().into();
            let status = Status::with_details(status.code.into(), status.message, details);
            Err(Box::new(BrokerError::from_status(&status)))
        }
    };
    response.results.into_iter().map(|one| result(one.result.unwrap())).collect()
}

fn reason(error: &BrokerError) -> (Code, Reason) {
    (error.code(), error.reason().expect("a status of a batch carries its ErrorInfo"))
}
