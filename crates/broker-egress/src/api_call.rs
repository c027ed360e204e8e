//! A call to an API of ours, such as a key management service: JSON there, JSON back.

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use reqwest::{Body, Request};
use tracing::Instrument as _;
use url::Url;
use zeroize::Zeroizing;

use crate::client_span::ClientSpan;
use crate::egress::sensitive;
use crate::url_policy::screen;
use crate::{Cause, Egress};

/// A request that may be sent again by whoever gets no answer.
pub struct ApiCall {
    /// Where to. See [`crate::screen`].
    pub url: Url,
    /// Names, in lower case, and values of headers. They are treated as secrets.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// POSTs this JSON; without it, a GET.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiCall({}, [redacted])", self.url.host_str().unwrap_or("-"))
    }
}

/// An answer with any status, redirects included: they are not followed.
pub struct ApiAnswer {
    /// HTTP status.
    pub status: u16,
    /// The whole body, no longer than [`max_body`](crate::EgressConfig::max_body) bytes.
    pub body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for ApiAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiAnswer({}, [redacted], {} bytes)", self.status, self.body.len())
    }
}

impl Egress {
    /// Sends the request, once, and reads the whole answer.
    pub async fn call(&self, call: ApiCall) -> Result<ApiAnswer, Cause> {
        let mut request = request(call)?;
        let method = if request.method() == Method::GET { "GET" } else { "POST" };
        let (span, call) =
            (ClientSpan::begin(method, request.url()), self.calls.begin(request.url(), method));
        span.tell(self.traces.as_ref(), request.headers_mut());
        let exchange = async {
            let response = self.client.execute(request).await.map_err(|error| Cause::of(&error))?;
            let status = response.status().as_u16();
            Ok(ApiAnswer { status, body: self.read(response).await? })
        };
        let exchange = tokio::time::timeout(self.total_timeout, exchange);
        let answered = exchange.instrument(span.0.clone()).await.unwrap_or(Err(Cause::Timeout));
        call.ended(answered.as_ref().map(|answer: &ApiAnswer| answer.status));
        span.end(answered.as_ref().map(|answer| answer.status));
        answered
    }
}

fn request(call: ApiCall) -> Result<Request, Cause> {
    screen(&call.url)?;
    let method = if call.body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::new(method, call.url);
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in call.headers {
        let name = HeaderName::from_lowercase(name.as_bytes());
        let name = name.map_err(|_| Cause::Request("a header has a name that no header may have"))?;
        headers.insert(name, sensitive(value)?);
    }
    if let Some(body) = call.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(Body::from(Bytes::from_owner(body)));
    }
    Ok(request)
}
