//! A trace from the caller to the provider, whole and without a secret, over both protocols.

use std::fs;
use std::time::Duration;

use broker_e2e::collector::{Received, attribute, text};
use broker_e2e::{Collector, Provider, http};
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{CALLER, TRACE, USER, open, rotated};

const RPC: &str = "tokenbroker.v1.TokenService/GetAccessToken";

#[tokio::test]
async fn a_collector_that_speaks_grpc_receives_a_whole_trace() {
    let collector = Collector::grpc().await;
    let house = rotated(&collector, "grpc", "").await;
    let received = collector.received();
    check_trace(&received, &house.recorder(Provider::Evercam).text());
    check_logs(&received);
    check_resource(&received);
    check_metrics(&received);
    assert_eq!(told_secrets(&house, &received), [""; 0]);
    house.close().await;
}

#[tokio::test]
async fn so_does_one_that_speaks_http_and_asks_for_a_header() {
    let collector = Collector::http().await;
    let directory = tempfile::tempdir().unwrap();
    let headers = directory.path().join("headers");
    fs::write(&headers, "authorization: Bearer canary-of-the-vendor\n").unwrap();
    let house = rotated(&collector, "http", &format!("headers_file = {headers:?}\n")).await;
    let received = collector.received();
    assert_eq!(received.authorization.as_deref(), Some("Bearer canary-of-the-vendor"));
    check_trace(&received, &house.recorder(Provider::Evercam).text());
    check_logs(&received);
    check_resource(&received);
    check_metrics(&received);
    house.remember(|canaries| canaries.add("header", "canary-of-the-vendor"));
    assert_eq!(told_secrets(&house, &received), [""; 0]);
    house.close().await;
}

#[tokio::test]
async fn providers_need_not_be_told_and_what_no_caller_records_is_not() {
    let collector = Collector::grpc().await;
    let more = "propagate_to_providers = false\ntraces_sample_ratio = 0.0\n";
    let mut house = open(&collector, "grpc", more).await;
    let key = house.consent(Provider::Evercam, USER).await;
    super::ask_until_rotated(&house, &key).await;
    house.vend(&key).await.unwrap();
    house.stop().await;
    let received = collector.received();
    let traces: std::collections::BTreeSet<_> =
        received.spans.iter().map(|span| hex(&span.trace_id)).collect();
    assert_eq!(traces.into_iter().collect::<Vec<_>>(), [TRACE], "the caller's alone");
    assert!(!house.recorder(Provider::Evercam).text().contains("traceparent"));
    house.close().await;
}

#[tokio::test]
async fn a_callback_is_in_the_trace_of_who_sends_it_and_its_code_is_not() {
    let collector = Collector::grpc().await;
    let endpoint = format!("http://{}", collector.address);
    let plan = super::plan(&super::telemetry(&endpoint, "grpc", ""));
    let mut house = plan.hosted().open().await;
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let path = "/oauth/callback/evercam?code=canary-code-of-nobody&state=canary-state-of-nobody";
    http::get_with(house.http(), path, &[("traceparent", &parent)]).await;
    house.stop().await;
    let received = collector.received();
    let span = received.spans_named("GET /oauth/callback/{provider}").next().expect("it is a span");
    assert_eq!((hex(&span.trace_id).as_str(), hex(&span.parent_span_id).as_str()), (TRACE, CALLER));
    assert_eq!(attribute(&span.attributes, "http.route").as_deref(), Some("/oauth/callback/{provider}"));
    let mut canaries = house.canaries();
    canaries.add("code", "canary-code-of-nobody");
    canaries.add("state", "canary-state-of-nobody");
    assert_eq!(canaries.found_in([("what was told", received.bytes.as_slice())]), [""; 0]);
    house.close().await;
}

fn check_trace(received: &Received, on_the_wire: &str) {
    let in_trace = |span: &&Span| hex(&span.trace_id) == TRACE;
    let rotation = received.spans_named("rotation").find(in_trace).expect("the rotation is in the trace");
    let asked = by_id(received, &rotation.parent_span_id);
    assert_eq!((asked.name.as_str(), hex(&asked.parent_span_id).as_str()), (RPC, CALLER));
    assert_eq!((asked.kind, asked.trace_state.as_str()), (SpanKind::Server as i32, "vendor=1,other=2"));
    for (name, value) in [
        ("rpc.system.name", "grpc"),
        ("rpc.method", RPC),
        ("rpc.response.status_code", "OK"),
        ("tokenbroker.tenant", "acme"),
        ("tokenbroker.provider", "evercam"),
    ] {
        assert_eq!(attribute(&asked.attributes, name).as_deref(), Some(value), "{name}");
    }
    let grant = attribute(&asked.attributes, "tokenbroker.grant.id").unwrap();
    assert_eq!(attribute(&rotation.attributes, "tokenbroker.grant.id"), Some(grant));
    assert_eq!(attribute(&rotation.attributes, "tokenbroker.trigger").as_deref(), Some("caller"));
    assert_eq!(attribute(&rotation.attributes, "tokenbroker.conclusion").as_deref(), Some("adopted"));

    let below = |name| child(received, name, &rotation.span_id);
    for step in ["lease", "claim_refresh", "mark_sent", "escrow", "adopt"] {
        assert_eq!(hex(&below(step).trace_id), TRACE);
    }
    let call = below("POST");
    assert_eq!(call.kind, SpanKind::Client as i32);
    assert_eq!(attribute(&call.attributes, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(attribute(&call.attributes, "server.address").as_deref(), Some("127.0.0.1"));
    assert_eq!(attribute(&below("adopt").attributes, "db.system.name").as_deref(), Some("sqlite"));

    let told = format!("traceparent: 00-{TRACE}-{}-01", hex(&call.span_id));
    assert!(on_the_wire.contains(&told), "the provider was told {told}");
    assert!(!on_the_wire.contains("canary-baggage") && !on_the_wire.contains("vendor=1"));
}

fn child<'a>(received: &'a Received, name: &'a str, parent: &[u8]) -> &'a Span {
    let mut children = received.spans_named(name).filter(|span| span.parent_span_id == parent);
    children.next().unwrap_or_else(|| panic!("no {name} below its parent: {:#?}", received.names()))
}

fn check_logs(received: &Received) {
    let in_trace = received.logs.iter().filter(|record| hex(&record.trace_id) == TRACE);
    let rotations: Vec<_> = in_trace
        .filter(|record| attribute(&record.attributes, "event").as_deref() == Some("rotation"))
        .collect();
    assert_eq!(rotations.len(), 1, "one event of one rotation: {:#?}", received.names());
    assert_eq!(text(rotations[0].body.as_ref()), Some("a rotation ended"));
    assert_eq!(attribute(&rotations[0].attributes, "trace_id").as_deref(), Some(TRACE));
}

fn check_metrics(received: &Received) {
    let mut ended = received.metrics.iter().filter(|metric| metric.name == "token_broker.attempts_ended");
    let Some(metric::Data::Sum(sum)) = &ended.next_back().expect("metrics are told").data else {
        panic!("attempts that ended are counted");
    };
    let adopted = sum.data_points.iter().find(|point| {
        attribute(&point.attributes, "conclusion").as_deref() == Some("adopted")
            && attribute(&point.attributes, "provider").as_deref() == Some("evercam")
    });
    let Some(number_data_point::Value::AsInt(count)) = adopted.unwrap().value else {
        panic!("a whole number")
    };
    assert!(count >= 2, "the exchange and the refresh: {count}");
    let since = Duration::from_nanos(sum.data_points[0].start_time_unix_nano);
    let apart = (since.as_secs_f64() - process_start(received)).abs();
    assert!(apart < 1e-5, "counted since the process began, not since {apart} s later");
}

/// When the process says that it began, in seconds since 1970.
fn process_start(received: &Received) -> f64 {
    let start = received.metrics.iter().find(|metric| metric.name == "process.start_time");
    let Some(metric::Data::Gauge(gauge)) = &start.expect("it is told").data else { panic!("it is a gauge") };
    let Some(number_data_point::Value::AsDouble(at)) = gauge.data_points[0].value else {
        panic!("it is a number")
    };
    at
}

fn check_resource(received: &Received) {
    let of = |name: &str| attribute(&received.resource, name);
    assert_eq!(of("service.name").as_deref(), Some("token-broker"));
    assert_eq!(of("tokenbroker.role").as_deref(), Some("all"));
    assert_eq!(of("service.instance.id").unwrap().len(), 32);
}

/// Secrets and users among what was told; without either the search proves nothing.
fn told_secrets(house: &broker_e2e::House, received: &Received) -> Vec<String> {
    assert!(received.spans.len() > 20 && received.logs.len() > 10, "{:#?}", received.names());
    let mut canaries = house.canaries();
    assert!(canaries.kinds().contains_key("refresh_token"));
    canaries.add("user", USER);
    canaries.add("baggage", "canary-baggage");
    canaries.found_in([("what was told", received.bytes.as_slice())])
}

fn by_id<'a>(received: &'a Received, id: &[u8]) -> &'a Span {
    let found = received.spans.iter().find(|span| span.span_id == id);
    found.unwrap_or_else(|| panic!("no span {}: {:#?}", hex(id), received.names()))
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
