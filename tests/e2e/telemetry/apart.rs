//! A rotation that an api process asks a rotator for is in the trace of who asked.

use broker_e2e::collector::attribute;
use broker_e2e::{Collector, Fleet, Site, ask};
use opentelemetry_proto::tonic::trace::v1::Span;
use tonic::Request;

use super::{CALLER, TRACE, telemetry};
use crate::BINARY;

const API: usize = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_trace_goes_on_from_the_api_process_in_the_rotator() {
    let collector = Collector::grpc().await;
    let endpoint = format!("http://{}", collector.address);
    let plan = Fleet::plan(BINARY).roles(&["rotator", "api"]);
    let fleet = plan.sections(&telemetry(&endpoint, "grpc", "")).start().await;
    let key = fleet.expired_consents(Site::Strict, 0..1).await.remove(0);
    let mut request = Request::new(ask(&key));
    let parent = format!("00-{TRACE}-{CALLER}-01");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    fleet.client(API).tokens().get_access_token(request).await.unwrap();
    fleet.close().await;

    let received = collector.received();
    let parent_of = |span: &Span| {
        let parent = received.spans.iter().find(|other| other.span_id == span.parent_span_id);
        parent.unwrap_or_else(|| panic!("{} has no parent: {:#?}", span.name, received.names()))
    };
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let adopt =
        received.spans_named("adopt").find(|span| hex(&span.trace_id) == TRACE).expect("it is adopted");
    let mut names = vec![adopt.name.clone()];
    let mut span = adopt;
    while hex(&span.parent_span_id) != CALLER {
        span = parent_of(span);
        names.push(span.name.clone());
    }
    let rpc = "tokenbroker.v1.TokenService/GetAccessToken";
    assert_eq!(names, ["adopt", "rotation", "rotation request", "rotation request", rpc]);
    assert_eq!(attribute(&adopt.attributes, "db.system.name").as_deref(), Some("postgresql"));
}
