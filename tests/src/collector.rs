//! A collector of telemetry: takes OTLP over gRPC or HTTP, and keeps everything.

mod grpc;
mod http;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::LONGEST_WAIT;

/// A running collector. Dropping it ends it.
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    kept: Kept,
    _stop_on_drop: DropGuard,
}

/// What was received.
#[derive(Debug, Default, Clone)]
pub struct Received {
    /// Spans of all requests.
    pub spans: Vec<Span>,
    /// Log records of all requests.
    pub logs: Vec<LogRecord>,
    /// Metrics of all requests.
    pub metrics: Vec<Metric>,
    /// The attributes of the process that told last.
    pub resource: Vec<KeyValue>,
    /// Every message as it came.
    pub bytes: Vec<u8>,
    /// The `authorization` of the request that came last.
    pub authorization: Option<String>,
}

#[derive(Clone)]
struct Kept {
    received: Arc<Mutex<Received>>,
    more: watch::Sender<()>,
}

impl Collector {
    /// One that speaks gRPC.
    pub async fn grpc() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, |listener, kept| Box::pin(grpc::serve(listener, kept)))
    }

    /// One that speaks HTTP.
    pub async fn http() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, |listener, kept| Box::pin(http::serve(listener, kept)))
    }

    fn on(
        listener: TcpListener,
        serve: impl FnOnce(TcpListener, Kept) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let kept = Kept { received: Arc::default(), more: watch::Sender::new(()) };
        let stop = CancellationToken::new();
        let _stop_on_drop = stop.clone().drop_guard();
        let serving = serve(listener, kept.clone());
        TaskTracker::new().spawn(async move { stop.run_until_cancelled(serving).await });
        Self { address, kept, _stop_on_drop }
    }

    /// What was received until now.
    pub fn received(&self) -> Received {
        self.kept.lock().clone()
    }

    /// Waits until what was received is as wanted.
    pub async fn until(&self, wanted: impl Fn(&Received) -> bool) -> Received {
        let mut more = self.kept.more.subscribe();
        let waiting = async {
            while !wanted(&self.kept.lock()) {
                more.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(LONGEST_WAIT, waiting).await;
        assert!(
            waited.is_ok(),
            "the collector was not told what it waits for: {:#?}",
            self.received().names()
        );
        self.received()
    }
}

impl Received {
    /// The spans of that name.
    pub fn spans_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    /// The names of all spans and metrics, and the events of all log records.
    pub fn names(&self) -> Vec<String> {
        let spans = self.spans.iter().map(|span| format!("span {}", span.name));
        let metrics = self.metrics.iter().map(|metric| format!("metric {}", metric.name));
        let event = |record: &LogRecord| attribute(&record.attributes, "event").unwrap_or_default();
        let logs = self.logs.iter().map(|record| format!("log {}", event(record)));
        spans.chain(metrics).chain(logs).collect()
    }
}

/// The text of the attribute of that name.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(truth) => Some(truth.to_string()),
        Value::DoubleValue(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The text of a body.
pub fn text(body: Option<&AnyValue>) -> Option<&str> {
    match body?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

impl Kept {
    fn lock(&self) -> std::sync::MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn traces(&self, request: ExportTraceServiceRequest, authorization: Option<String>) {
        self.keep(&request, authorization, |received| {
            for of_process in request.resource_spans.clone() {
                received.resource = of_process.resource.unwrap_or_default().attributes;
                received.spans.extend(of_process.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        });
    }

    fn logs(&self, request: ExportLogsServiceRequest, authorization: Option<String>) {
        self.keep(&request, authorization, |received| {
            for of_process in request.resource_logs.clone() {
                received.resource = of_process.resource.unwrap_or_default().attributes;
                received.logs.extend(of_process.scope_logs.into_iter().flat_map(|scope| scope.log_records));
            }
        });
    }

    fn metrics(&self, request: ExportMetricsServiceRequest, authorization: Option<String>) {
        self.keep(&request, authorization, |received| {
            for of_process in request.resource_metrics.clone() {
                received.resource = of_process.resource.unwrap_or_default().attributes;
                received.metrics.extend(of_process.scope_metrics.into_iter().flat_map(|scope| scope.metrics));
            }
        });
    }

    fn keep(&self, message: &impl Message, authorization: Option<String>, take: impl FnOnce(&mut Received)) {
        let mut received = self.lock();
        received.bytes.extend(message.encode_to_vec());
        received.authorization = authorization;
        take(&mut received);
        drop(received);
        self.more.send_replace(());
    }
}
