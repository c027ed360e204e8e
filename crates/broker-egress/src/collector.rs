//! Posts to a collector of telemetry: an address that operators chose, often beside the process.

use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::{Body, Request};
use url::Url;

use crate::{Cause, Egress, EgressConfig, EgressSetupError, UrlRefused};

/// Longer `Retry-After` values are not seconds.
const MAX_RETRY_AFTER: usize = 64;

/// The door to a collector. Cheap to clone; clones share connections. Its calls are in no trace.
#[derive(Debug, Clone)]
pub struct CollectorEgress(Egress);

/// What a collector answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, where it is short enough to be one.
    pub retry_after: Option<String>,
    /// The body of a success; empty where it could not be read whole.
    pub body: Vec<u8>,
}

impl CollectorEgress {
    /// Opens the door. Does not touch the network.
    pub fn new(config: EgressConfig) -> Result<Self, EgressSetupError> {
        Egress::new(config).map(Self)
    }

    /// Sends a protobuf message, once. Plain `http` goes to any host: an agent of the same machine or cluster.
    pub async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        message: Vec<u8>,
    ) -> Result<CollectorAnswer, Cause> {
        check(&url)?;
        let mut request = Request::new(Method::POST, url);
        *request.headers_mut() = headers;
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        *request.body_mut() = Some(Body::from(message));
        let exchange = tokio::time::timeout(self.0.total_timeout, self.exchange(request)).await;
        exchange.unwrap_or(Err(Cause::Timeout))
    }

    async fn exchange(&self, request: Request) -> Result<CollectorAnswer, Cause> {
        let response = self.0.client.execute(request).await.map_err(|error| Cause::of(&error))?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.filter(|value| value.len() <= MAX_RETRY_AFTER).map(str::to_owned);
        let status = response.status();
        let body = match status.is_success() {
            // It was taken, whatever becomes of the rest of the answer.
            true => self.0.read(response).await.map(|body| body.to_vec()).unwrap_or_default(),
            false => Vec::new(),
        };
        Ok(CollectorAnswer { status: status.as_u16(), retry_after, body })
    }
}

fn check(url: &Url) -> Result<(), UrlRefused> {
    match url.scheme() {
        "https" | "http" if url.username().is_empty() && url.password().is_none() => Ok(()),
        "https" | "http" => Err(UrlRefused::Credentials),
        _ => Err(UrlRefused::Scheme),
    }
}
