//! Reading a public document, such as the keys of an issuer.

use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION};
use http::{HeaderValue, Method, StatusCode};
use reqwest::Request;
use tracing::Instrument as _;
use url::Url;
use zeroize::Zeroizing;

use crate::client_span::ClientSpan;
use crate::egress::sensitive;
use crate::url_policy::screen;
use crate::{Cause, Egress};

/// Why a document could not be read. Nothing of the URL, a header or the answer is in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// There is no answer.
    #[error("{0}")]
    NoAnswer(#[from] Cause),
    /// The answer is no document. Redirects are not followed.
    #[error("the server answered with status {0}")]
    Status(u16),
}

impl Egress {
    /// Reads the document at `url`: a GET, answered with 200 and no more than
    /// [`max_body`](crate::EgressConfig::max_body) bytes. `authorization` is the value of the header of that name.
    pub async fn fetch(
        &self,
        url: &Url,
        authorization: Option<Zeroizing<String>>,
    ) -> Result<Zeroizing<Vec<u8>>, FetchError> {
        screen(url).map_err(Cause::from)?;
        let mut request = Request::new(Method::GET, url.clone());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/jwk-set+json, application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, sensitive(authorization)?);
        }
        let (span, call) = (ClientSpan::begin("GET", url), self.calls.begin(url, "GET"));
        span.tell(self.traces.as_ref(), headers);
        let exchange = tokio::time::timeout(self.total_timeout, self.document(request));
        let exchange = exchange.instrument(span.0.clone()).await;
        let document = exchange.unwrap_or(Err(FetchError::NoAnswer(Cause::Timeout)));
        let status = || match &document {
            Ok(_) => Ok(StatusCode::OK.as_u16()),
            Err(FetchError::Status(status)) => Ok(*status),
            Err(FetchError::NoAnswer(cause)) => Err(cause),
        };
        call.ended(status());
        span.end(status());
        document
    }

    async fn document(&self, request: Request) -> Result<Zeroizing<Vec<u8>>, FetchError> {
        let response = self.client.execute(request).await.map_err(|error| Cause::of(&error))?;
        match response.status() {
            StatusCode::OK => Ok(self.read(response).await?),
            other => Err(FetchError::Status(other.as_u16())),
        }
    }
}
