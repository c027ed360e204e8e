//! Requests that are forwarded with a token.

use broker_e2e::access::policy;
use broker_e2e::{House, Provider, ask, http};
use broker_proto::v1::{AuditOutcome, GetAccessTokenResponse};
use tonic::Code;

use super::{CHECK, check, denied, headers, ok, request};
use crate::audit::events;

#[tokio::test]
async fn the_token_goes_onto_the_request_and_is_recorded() {
    let vending = policy("spiffe://prod.example/envoy", &["vend"], "acme", "evercam");
    let house = House::plan().enforce(&vending).ext_authz("").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let envoy = house.client.named("spiffe://prod.example/envoy");

    let answer = ok(check(&envoy, request(&key, "")).await.unwrap());

    let set = headers(&answer.headers);
    let expected = house.vend(&key).await.unwrap();
    assert_eq!(set, expected.headers.clone().into_iter().collect());
    let given = GetAccessTokenResponse { headers: set.into_iter().collect(), ..Default::default() };
    assert_eq!(house.api_status(Provider::Evercam, &given).await, 200);
    let naming =
        ["x-tokenbroker-tenant", "x-tokenbroker-provider", "x-tokenbroker-user", "x-tokenbroker-account"];
    assert_eq!(answer.headers_to_remove, naming, "Envoy removes last: not the header that was just set");

    let records = events(&house, "acme").await;
    let record = records.iter().find(|record| record.action == CHECK).unwrap();
    assert_eq!(record.outcome(), AuditOutcome::Succeeded);
    assert_eq!(
        (record.principal.as_str(), record.purpose.as_str()),
        ("spiffe://prod.example/envoy", "ext_authz GET api.example")
    );
    assert_eq!(record.key.as_ref().unwrap().user_id, "ada");
    assert!(!record.token_fingerprint.is_empty());
    house.close().await;
}

#[tokio::test]
async fn the_route_decides_over_the_workload() {
    let house = House::plan().ext_authz("user_header = \"x-person\"").open().await;
    let evercam = house.consent(Provider::Evercam, "ada").await;
    let eagle_eye = house.consent(Provider::EagleEye, "ada").await;
    let mut asked = request(&evercam, "");
    let attributes = asked.attributes.as_mut().unwrap();
    let pinned = [("x-tokenbroker-provider", "eagle-eye"), ("x-person", "ada")];
    attributes.context_extensions = pinned.map(|(name, value)| (name.to_owned(), value.to_owned())).into();

    let answer = ok(check(&house.client, asked).await.unwrap());

    let expected = house.vend(&eagle_eye).await.unwrap();
    assert_eq!(headers(&answer.headers)["authorization"], expected.headers["authorization"]);
    assert!(answer.headers_to_remove.contains(&"x-person".to_owned()));
    house.close().await;
}

/// Whom a trusted caller has verified is whom the policies are asked about, and whom the record names.
#[tokio::test]
async fn a_trusted_caller_says_for_whom_it_asks_and_no_other_does() {
    let vending = policy("spiffe://prod.example/recorder", &["vend"], "acme", "*");
    let trust = "trust_source_principal_from = [\"spiffe://prod.example/envoy/*\"]";
    let house = House::plan().enforce(&vending).ext_authz(trust).open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let envoy = house.client.named("spiffe://prod.example/envoy/edge");
    let stranger = house.client.named("spiffe://prod.example/other");
    let recorder = "spiffe://prod.example/recorder";

    ok(check(&envoy, request(&key, recorder)).await.unwrap());
    for (caller, source, reason) in [
        (&envoy, "spiffe://prod.example/else", "ACCESS_DENIED"),
        (&envoy, "", "CALLER_UNKNOWN"),
        (&stranger, recorder, "ACCESS_DENIED"),
    ] {
        let (status, why, _) = denied(check(caller, request(&key, source)).await.unwrap());
        assert_eq!((status, why.as_str()), (403, reason), "{source}");
    }

    let records = events(&house, "acme").await;
    let told: Vec<_> = records.iter().filter(|record| record.action == CHECK).collect();
    let by = |record: &&broker_proto::v1::AuditEvent| (record.principal.clone(), record.reason.clone());
    let mut told: Vec<_> = told.iter().map(by).collect();
    told.sort();
    let mut expected = [
        (recorder, ""),
        ("spiffe://prod.example/else", "ACCESS_DENIED"),
        ("spiffe://prod.example/envoy/edge", "CALLER_UNKNOWN"),
        ("spiffe://prod.example/other", "ACCESS_DENIED"),
    ]
    .map(|(who, why)| (who.to_owned(), why.to_owned()));
    expected.sort();
    assert_eq!(told, expected);
    house.close().await;
}

#[tokio::test]
async fn nothing_is_answered_unless_it_is_configured() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let refused = check(&house.client, request(&key, "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert_eq!(house.client.token(ask(&key)).await.unwrap().generation, 1);
    assert_eq!(http::get(house.http(), "/readyz", "").await.0, 200);
    house.close().await;
}
