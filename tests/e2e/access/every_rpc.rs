//! No RPC of the contract answers a caller whom no policy knows.

use std::collections::BTreeMap;

use broker_e2e::client::Line;
use broker_e2e::{Client, House};
use broker_proto::FILE_DESCRIPTOR_SET;
use broker_proto::v1::batch_get_access_tokens_result::Result as BatchResult;
use broker_proto::v1::{BatchGetAccessTokensRequest, GetAccessTokenRequest};
use http::uri::PathAndQuery;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use tonic::client::Grpc;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

/// The one RPC that answers for each of its requests.
const BATCH: &str = "BatchGetAccessTokens";

#[tokio::test]
async fn no_rpc_answers_a_stranger_and_none_denies_the_operator() {
    let house = House::plan().enforce("").open().await;
    let stranger = codes(&house.client.named("stranger")).await;
    let operator = codes(&house.client).await;
    assert!(stranger.len() > 40, "the contract has services");
    for (rpc, code) in &stranger {
        let denied = matches!(code, Code::PermissionDenied | Code::Unimplemented);
        assert!(denied || rpc == BATCH, "{rpc} answered a stranger {code:?}: does it ask the guard?");
        let let_in = !matches!(operator[rpc], Code::PermissionDenied | Code::InvalidArgument);
        assert!(let_in, "{rpc} answered the operator {:?}: is the request filled?", operator[rpc]);
    }
    assert!(stranger.values().filter(|code| **code == Code::PermissionDenied).count() > 10);
    house.close().await;
}

#[tokio::test]
async fn of_a_batch_each_request_is_denied_for_itself() {
    let house =
        House::plan().enforce(&broker_e2e::access::policy("jwt:ci", &["vend"], "acme", "*")).open().await;
    let of = |tenant: &str| GetAccessTokenRequest {
        tenant_id: tenant.to_owned(),
        provider: "evercam".to_owned(),
        user_id: "nobody".to_owned(),
        ..Default::default()
    };
    let request = BatchGetAccessTokensRequest { requests: vec![of("acme"), of("rival"), of("acme")] };
    let results = house.client.named("jwt:ci").tokens().batch_get_access_tokens(request).await.unwrap();
    let codes = results.into_inner().results.into_iter().map(|one| match one.result.unwrap() {
        BatchResult::Status(status) => Code::from(status.code),
        BatchResult::Token(token) => panic!("{token:?}"),
    });
    assert_eq!(codes.collect::<Vec<_>>(), [Code::NotFound, Code::PermissionDenied, Code::NotFound]);
    house.close().await;
}

/// What each RPC answers to a request with every field that it may need.
async fn codes(client: &Client) -> BTreeMap<String, Code> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut codes = BTreeMap::new();
    for service in pool.services().filter(|service| service.parent_file().package_name() == "tokenbroker.v1")
    {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let streams = method.is_server_streaming();
            let code = code(client.line(), path.parse().unwrap(), filled(&method.input()), streams).await;
            codes.insert(method.name().to_owned(), code);
        }
    }
    codes
}

async fn code(line: Line, path: PathAndQuery, message: DynamicMessage, streams: bool) -> Code {
    let mut client = Grpc::new(line);
    client.ready().await.unwrap();
    // `()` is a message without fields: any answer decodes to it.
    let codec = ProstCodec::<DynamicMessage, ()>::default();
    let answer = match streams {
        true => client.server_streaming(Request::new(message), path, codec).await.map(drop),
        false => client.unary(Request::new(message), path, codec).await.map(drop),
    };
    answer.map_or_else(|status| status.code(), |()| Code::Ok)
}

fn filled(descriptor: &MessageDescriptor) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        if let Some(value) = value_of(&field) {
            message.set_field(&field, value);
        }
    }
    message
}

fn value_of(field: &FieldDescriptor) -> Option<Value> {
    let text = |text: &str| Some(Value::String(text.to_owned()));
    match (field.name(), field.kind()) {
        ("tenant_id", _) => text("acme"),
        ("provider", _) => text("evercam"),
        ("user_id", _) => text("ada"),
        ("principal", _) => text("jwt:somebody"),
        ("registration_id", _) => text("other"),
        ("client_id" | "client_secret", _) => text("c"),
        ("redirect_uri", _) => text("https://app.example/cb"),
        ("callback_url", _) => text("https://app.example/cb?code=c&state=s"),
        ("authorization_id" | "policy_id", _) => text("0190b4e2-0000-7000-8000-000000000000"),
        ("rotation_id" | "key_id", _) => text("0190b4e2-0000-7000-8000-000000000000"),
        ("webhook_id", _) => text("0190b4e2-0000-7000-8000-000000000000"),
        ("url", _) => text("https://hooks.example.com/"),
        ("from_sequence", _) if field.parent_message().name() == "RedeliverWebhookRequest" => {
            Some(Value::U64(1))
        }
        ("kind", Kind::Enum(_)) => Some(Value::EnumNumber(1)),
        ("action", Kind::Enum(_)) => Some(Value::EnumNumber(1)),
        ("actions", Kind::Enum(_)) => Some(Value::List(vec![Value::EnumNumber(1)])),
        ("id" | "secret" | "refresh_token", Kind::String) => text("c"),
        ("generation", Kind::Uint64) => Some(Value::U64(1)),
        ("http_status", Kind::Int32) => Some(Value::I32(401)),
        ("within", Kind::Message(span)) => Some(Value::Message(with(&span, "seconds", Value::I64(60)))),
        ("key" | "filter" | "api_key", Kind::Message(message)) => Some(Value::Message(filled(&message))),
        ("ttl", Kind::Message(duration)) => Some(Value::Message(with(&duration, "seconds", Value::I64(60)))),
        ("update_mask", Kind::Message(mask)) => {
            let changed = match field.parent_message().name() {
                "UpdateTenantRequest" => "display_name",
                "UpdateWebhookRequest" => "description",
                _ => "scopes",
            };
            let paths = Value::List(vec![Value::String(changed.to_owned())]);
            Some(Value::Message(with(&mask, "paths", paths)))
        }
        ("requests", Kind::Message(request)) => Some(Value::List(vec![Value::Message(filled(&request))])),
        _ => None,
    }
}

fn with(descriptor: &MessageDescriptor, field: &str, value: Value) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    message.set_field_by_name(field, value);
    message
}
