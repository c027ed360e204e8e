//! OTLP over gRPC.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::door::Failure;
use crate::rejected::Answer;
use crate::{Message, OpenError, Settings};

const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// How a collector is found dead that never says so: everything is lost until its connection is given up. Servers of grpc-go
/// take a third ping, with nothing answered in between, for abuse; metrics are told every minute, so there are two at most.
const KEEP_ALIVE: KeepAlive =
    KeepAlive { ping_after: Duration::from_secs(30), answer_within: Duration::from_secs(10) };

/// A connection that has said nothing for so long is asked whether it is alive, and closed if it does not answer.
#[derive(Debug, Clone, Copy)]
struct KeepAlive {
    ping_after: Duration,
    answer_within: Duration,
}

#[derive(Debug)]
pub(crate) struct GrpcDoor {
    channel: Channel,
    metadata: MetadataMap,
}

impl GrpcDoor {
    pub(crate) fn open(settings: &Settings) -> Result<Self, OpenError> {
        Self::kept_alive(settings, KEEP_ALIVE)
    }

    fn kept_alive(settings: &Settings, alive: KeepAlive) -> Result<Self, OpenError> {
        let url = settings.endpoint.as_str().to_owned();
        let mut endpoint = Endpoint::from_shared(url).map_err(|_| OpenError::Endpoint)?;
        if settings.endpoint.scheme() == "https" {
            endpoint =
                endpoint.tls_config(tls(settings)).map_err(|error| OpenError::Tls(error.to_string()))?;
        }
        let metadata = MetadataMap::from_headers(settings.headers.0.clone());
        let channel = endpoint
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(alive.ping_after)
            .keep_alive_timeout(alive.answer_within)
            .keep_alive_while_idle(true)
            .connect_lazy();
        Ok(Self { channel, metadata })
    }

    pub(crate) async fn deliver(&self, message: Message) -> Result<u64, Failure> {
        let channel = self.channel.clone();
        match message {
            Message::Traces(message) => {
                read(TraceServiceClient::new(channel).export(self.request(message)).await)
            }
            Message::Logs(message) => {
                read(LogsServiceClient::new(channel).export(self.request(message)).await)
            }
            Message::Metrics(message) => {
                read(MetricsServiceClient::new(channel).export(self.request(message)).await)
            }
        }
    }

    fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request
    }
}

fn tls(settings: &Settings) -> ClientTlsConfig {
    match &settings.ca_pem {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_native_roots(),
    }
}

fn read(answer: Result<Response<impl Answer>, Status>) -> Result<u64, Failure> {
    answer.map(|answer| answer.get_ref().rejected()).map_err(|status| failure(&status))
}

/// By the table of the OTLP specification. A collector that is exhausted says by a `RetryInfo` that it will recover; without
/// one the message may be larger than it takes. Its own words are not told: they may quote what was sent.
fn failure(status: &Status) -> Failure {
    let text = format!("the collector answered {:?}", status.code());
    let asked = status.get_details_retry_info().map(|info| info.retry_delay.unwrap_or_default());
    match status.code() {
        Code::ResourceExhausted if asked.is_none() => Failure::Lasting(text),
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Failure::Passing(text, asked),
        _ => Failure::Lasting(text),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;
    use tonic_types::ErrorDetails;

    use super::*;
    use crate::{Headers, Protocol, Resource};

    /// Longer than anything takes here.
    const LONGEST: Duration = Duration::from_secs(20);

    fn door(endpoint: &str) -> GrpcDoor {
        let settings = Settings {
            endpoint: endpoint.parse().unwrap(),
            protocol: Protocol::Grpc,
            headers: Headers::default(),
            ca_pem: None,
            timeout: LONGEST,
            sample_ratio: 1.0,
            resource: Resource::default(),
        };
        let soon = Duration::from_millis(200);
        GrpcDoor::kept_alive(&settings, KeepAlive { ping_after: soon, answer_within: soon }).unwrap()
    }

    fn nothing() -> Message {
        Message::Metrics(ExportMetricsServiceRequest::default())
    }

    #[tokio::test]
    async fn a_dead_collector_is_found_while_it_is_waited_for_and_while_nothing_is() {
        let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", dead.local_addr().unwrap());
        let waiting = door(&endpoint);
        let found = tokio::time::timeout(LONGEST, waiting.deliver(nothing())).await;
        let expected = Failure::Passing("the collector answered Unavailable".to_owned(), None);
        assert_eq!(found.expect("it is waited for without end"), Err(expected));
        drop(dead.accept().await.unwrap());

        let idle = door(&endpoint);
        // Nobody waits any more once the connection is there and used.
        let connected = async {
            let (mut stream, _) = dead.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream
        };
        let mut stream = tokio::select! {
            stream = connected => stream,
            _ = idle.deliver(nothing()) => panic!("nobody answers"),
        };
        let mut all = Vec::new();
        let closed = tokio::time::timeout(LONGEST, stream.read_to_end(&mut all)).await;
        assert!(closed.is_ok(), "the connection is kept for ever");
    }

    #[test]
    fn what_is_tried_again_is_what_the_specification_says_and_when_the_collector_says() {
        let seconds = Duration::from_secs(7);
        let asks = |code| Status::with_error_details(code, "", ErrorDetails::with_retry_info(Some(seconds)));
        let bare = |code| Status::new(code, "");
        let passes = |status: &Status| match failure(status) {
            Failure::Passing(_, asked) => Some(asked),
            Failure::Lasting(_) => None,
        };
        for code in (1..=16).map(Code::from) {
            let (without, with) = match code {
                Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss => (Some(None), Some(Some(seconds))),
                Code::ResourceExhausted => (None, Some(Some(seconds))),
                _ => (None, None),
            };
            assert_eq!((passes(&bare(code)), passes(&asks(code))), (without, with), "{code:?}");
        }
    }
}
