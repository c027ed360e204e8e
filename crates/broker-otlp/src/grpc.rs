//! OTLP over gRPC.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

use crate::door::Failure;
use crate::{Message, OpenError, Settings};

const CONNECT_WITHIN: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(crate) struct GrpcDoor {
    channel: Channel,
    metadata: MetadataMap,
}

impl GrpcDoor {
    pub(crate) fn open(settings: &Settings) -> Result<Self, OpenError> {
        let url = settings.endpoint.as_str().to_owned();
        let mut endpoint = Endpoint::from_shared(url).map_err(|_| OpenError::Endpoint)?;
        if settings.endpoint.scheme() == "https" {
            endpoint =
                endpoint.tls_config(tls(settings)).map_err(|error| OpenError::Tls(error.to_string()))?;
        }
        let metadata = MetadataMap::from_headers(settings.headers.0.clone());
        let channel = endpoint.connect_timeout(CONNECT_WITHIN).connect_lazy();
        Ok(Self { channel, metadata })
    }

    pub(crate) async fn deliver(&self, message: Message) -> Result<(), Failure> {
        let channel = self.channel.clone();
        let sent = match message {
            Message::Traces(message) => {
                TraceServiceClient::new(channel).export(self.request(message)).await.map(drop)
            }
            Message::Logs(message) => {
                LogsServiceClient::new(channel).export(self.request(message)).await.map(drop)
            }
            Message::Metrics(message) => {
                MetricsServiceClient::new(channel).export(self.request(message)).await.map(drop)
            }
        };
        sent.map_err(|status| failure(&status))
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

/// By the table of the OTLP specification. A collector's own words are not told: they may quote what was sent.
fn failure(status: &Status) -> Failure {
    let text = format!("the collector answered {:?}", status.code());
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Failure::Passing(text, None),
        _ => Failure::Lasting(text),
    }
}
