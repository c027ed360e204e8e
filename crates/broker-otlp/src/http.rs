//! OTLP over HTTP/1.1, in protobuf.

use std::time::Duration;

use broker_egress::{CollectorEgress, EgressConfig};
use http::HeaderMap;
use prost::Message as _;
use url::Url;

use crate::door::Failure;
use crate::{Message, OpenError, Settings, rejected};

#[derive(Debug)]
pub(crate) struct HttpDoor {
    egress: CollectorEgress,
    endpoint: Url,
    headers: HeaderMap,
}

impl HttpDoor {
    pub(crate) fn open(settings: &Settings) -> Result<Self, OpenError> {
        let egress = EgressConfig {
            total_timeout: settings.timeout,
            extra_roots_pem: settings.ca_pem.clone(),
            ..EgressConfig::default()
        };
        let egress = CollectorEgress::new(egress).map_err(|error| OpenError::Tls(error.to_string()))?;
        let mut endpoint = settings.endpoint.clone();
        if !endpoint.path().ends_with('/') {
            endpoint.set_path(&format!("{}/", endpoint.path()));
        }
        Ok(Self { egress, endpoint, headers: settings.headers.0.clone() })
    }

    pub(crate) async fn deliver(&self, message: &Message) -> Result<u64, Failure> {
        let (path, bytes) = match message {
            Message::Traces(message) => ("v1/traces", message.encode_to_vec()),
            Message::Logs(message) => ("v1/logs", message.encode_to_vec()),
            Message::Metrics(message) => ("v1/metrics", message.encode_to_vec()),
        };
        let url =
            self.endpoint.join(path).map_err(|_| Failure::Lasting("the endpoint is no URL".to_owned()))?;
        let answer = self.egress.post(url, self.headers.clone(), bytes).await;
        let answer = answer.map_err(|cause| Failure::Passing(cause.to_string(), None))?;
        match answer.status {
            200..=299 => Ok(rejected::in_body(message.signal(), &answer.body)),
            status @ (429 | 502 | 503 | 504) => {
                let asked = answer.retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
                Err(Failure::Passing(format!("the collector answered {status}"), asked))
            }
            status => Err(Failure::Lasting(format!("the collector answered {status}"))),
        }
    }
}
