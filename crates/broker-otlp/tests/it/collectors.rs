//! Collectors that answer as they are told, and what sends to them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker_otlp::proto::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use broker_otlp::proto::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use broker_otlp::{Headers, Message, Pipeline, Protocol, Resource, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// An answer over HTTP: the status line with headers, and the body.
pub(super) type HttpAnswer = (&'static str, Vec<u8>);

/// A collector over HTTP: `answer` gives the answer to a request by its path and by how many came before it.
pub(super) async fn http(
    answer: impl Fn(&str, usize) -> HttpAnswer + Send + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    TaskTracker::new().spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            // Small enough to come at once.
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]);
            let path = request.split(' ').nth(1).unwrap_or_default();
            let (head, body) = answer(path, count.fetch_add(1, Ordering::SeqCst));
            let length = body.len();
            let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        }
    });
    (format!("http://{address}/prefix"), asked)
}

/// A collector over gRPC that gives these answers, one after the other, and then takes everything.
pub(super) async fn grpc(answers: Vec<Result<i64, Status>>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (endpoint, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::default());
    let answers = Scripted { answers: Mutex::new(answers.into_iter()), asked: Arc::clone(&asked) };
    let server = Server::builder().add_service(MetricsServiceServer::new(answers));
    TaskTracker::new().spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    (endpoint, asked)
}

struct Scripted {
    answers: Mutex<std::vec::IntoIter<Result<i64, Status>>>,
    asked: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl MetricsService for Scripted {
    async fn export(
        &self,
        _: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let rejected = self.answers.lock().unwrap().next().unwrap_or(Ok(0))?;
        Ok(Response::new(partly(rejected)))
    }
}

/// The answer of a collector that rejects so many items.
pub(super) fn partly(rejected: i64) -> ExportMetricsServiceResponse {
    let partial = ExportMetricsPartialSuccess {
        rejected_data_points: rejected,
        error_message: "canary: too old".to_owned(),
    };
    ExportMetricsServiceResponse { partial_success: (rejected > 0).then_some(partial) }
}

pub(super) fn pipeline(endpoint: &str, protocol: Protocol, timeout: Duration) -> Pipeline {
    let settings = Settings {
        endpoint: endpoint.parse().unwrap(),
        protocol,
        headers: Headers::default(),
        ca_pem: None,
        timeout,
        sample_ratio: 1.0,
        resource: Resource::default(),
    };
    Pipeline::open(&settings, Handle::current()).unwrap()
}

pub(super) fn nothing() -> Message {
    Message::Metrics(ExportMetricsServiceRequest::default())
}
