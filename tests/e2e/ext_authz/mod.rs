//! What Envoy is answered.

mod denied;
mod forwarded;

use std::collections::BTreeMap;

use broker_e2e::Client;
use broker_proto::external_authorization::authorization_client::AuthorizationClient;
use broker_proto::external_authorization::check_response::HttpResponse;
use broker_proto::external_authorization::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValueOption, HttpRequest,
    OkHttpResponse, Peer, RequestAttributes,
};
use broker_proto::v1::GrantKey;
use tonic::Status;

pub(crate) const CHECK: &str = "envoy.service.auth.v3.Authorization/Check";

/// What Envoy sends for a request that names this grant, from whoever it has verified.
pub(crate) fn request(key: &GrantKey, source: &str) -> CheckRequest {
    let headers = [
        ("x-tokenbroker-tenant", key.tenant_id.as_str()),
        ("x-tokenbroker-provider", &key.provider),
        ("x-tokenbroker-user", &key.user_id),
        ("authorization", "Bearer of-the-workload"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let http = HttpRequest {
        method: "GET".to_owned(),
        host: "api.example".to_owned(),
        headers,
        ..Default::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            source: Some(Peer { principal: source.to_owned() }),
            request: Some(RequestAttributes { http: Some(http) }),
            ..Default::default()
        }),
    }
}

async fn check(client: &Client, request: CheckRequest) -> Result<CheckResponse, Status> {
    let answer = AuthorizationClient::new(client.line()).check(request).await;
    answer.map(tonic::Response::into_inner)
}

/// The change of a request that is forwarded.
pub(crate) fn ok(answer: CheckResponse) -> OkHttpResponse {
    assert_eq!(answer.status.unwrap().code, 0);
    match answer.http_response {
        Some(HttpResponse::OkResponse(ok)) => ok,
        other => panic!("{other:?}"),
    }
}

/// Status, reason and whole answer of a request that is not forwarded.
pub(crate) fn denied(answer: CheckResponse) -> (i32, String, DeniedHttpResponse) {
    assert_ne!(answer.status.unwrap().code, 0);
    match answer.http_response {
        Some(HttpResponse::DeniedResponse(denied)) => {
            let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
            let reason = body["reason"].as_str().unwrap().to_owned();
            assert_eq!(headers(&denied.headers)["x-tokenbroker-reason"], reason);
            (denied.status.unwrap().code, reason, denied)
        }
        other => panic!("{other:?}"),
    }
}

/// Headers by name.
pub(crate) fn headers(options: &[HeaderValueOption]) -> BTreeMap<String, String> {
    let headers = options.iter().filter_map(|option| option.header.clone());
    headers.map(|header| (header.key, header.value)).collect()
}
