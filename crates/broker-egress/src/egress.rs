//! The HTTP client, set up so that nothing is sent twice.

use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::TraceContext;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use reqwest::{Body, Client, Request, Response, redirect};
use tracing::Instrument as _;
use zeroize::Zeroizing;

use crate::client_span::ClientSpan;
use crate::gated_body::GatedBody;
use crate::release::{Release, WithholdOnDrop};
use crate::url_policy::screen;
use crate::{Answer, CallTimes, Cause, EgressConfig, EgressError, EgressSetupError, OneShot, tls};

/// Longer `Retry-After` values are not dates or seconds.
const MAX_RETRY_AFTER: usize = 64;

/// The door to outgoing HTTP. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Egress {
    pub(crate) client: Client,
    pub(crate) total_timeout: Duration,
    write_within: Duration,
    max_body: usize,
    pub(crate) traces: Option<Arc<dyn TraceContext>>,
    pub(crate) calls: Arc<CallTimes>,
}

impl Egress {
    /// Opens the door. Does not touch the network.
    ///
    /// HTTP/1.1 only, no redirects, no retries, no decoders, no cookies, no proxies from the environment.
    pub fn new(config: EgressConfig) -> Result<Self, EgressSetupError> {
        let tls = tls::client_config(config.extra_roots_pem.as_deref())?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(config.max_idle)
            .user_agent(config.user_agent)
            .build()
            .map_err(|error| EgressSetupError::Client(error.to_string()))?;
        Ok(Self {
            client,
            total_timeout: config.total_timeout,
            write_within: config.write_within,
            max_body: config.max_body,
            traces: None,
            calls: Arc::default(),
        })
    }

    /// The same door, whose servers are told where a call stands in a trace (`traceparent`; W3C Trace Context).
    #[must_use]
    pub fn telling(self, traces: Arc<dyn TraceContext>) -> Self {
        Self { traces: Some(traces), ..self }
    }

    /// The same door, whose calls are counted there.
    #[must_use]
    pub fn counted_in(self, calls: Arc<CallTimes>) -> Self {
        Self { calls, ..self }
    }

    /// Sends the request, at most once, and reads the whole answer.
    ///
    /// Dropping the future keeps an unwritten body unwritten.
    pub async fn post_once(&self, shot: OneShot) -> Result<Answer, EgressError> {
        let (span, call) = (ClientSpan::begin("POST", &shot.url), self.calls.begin(&shot.url, "POST"));
        let answered = self.exchange_once(shot, &span).instrument(span.0.clone()).await;
        let status = || answered.as_ref().map(|answer| answer.status).map_err(EgressError::cause);
        call.ended(status());
        span.end(status());
        answered
    }

    async fn exchange_once(&self, shot: OneShot, span: &ClientSpan) -> Result<Answer, EgressError> {
        let release = Release::default();
        let _withhold = WithholdOnDrop(release.clone());
        let exchange = tokio::time::timeout(self.total_timeout, self.exchange(shot, &release, span)).await;
        exchange.unwrap_or(Err(Cause::Timeout)).map_err(|cause| match release.withhold(cause.clone()) {
            Some(first) => EgressError::Unsent(first),
            None => EgressError::Lost(cause),
        })
    }

    async fn exchange(&self, shot: OneShot, release: &Release, span: &ClientSpan) -> Result<Answer, Cause> {
        let mut request = self.request(shot, release)?;
        span.tell(self.traces.as_ref(), request.headers_mut());
        let response = self.client.execute(request).await.map_err(|error| Cause::of(&error))?;
        let body_sent = release.withhold(Cause::AnsweredEarly).is_none();
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
            body: self.read(response).await?,
            body_sent,
        })
    }

    fn request(&self, shot: OneShot, release: &Release) -> Result<Request, Cause> {
        screen(&shot.url)?;
        if shot.body.is_empty() {
            return Err(Cause::Request("the body is empty"));
        }
        let mut request = Request::new(http::Method::POST, shot.url);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(shot.content_type));
        if let Some(authorization) = shot.authorization {
            headers.insert(AUTHORIZATION, sensitive(authorization)?);
        }
        let body = GatedBody::new(shot.body, shot.gate, self.write_within, release.clone());
        *request.body_mut() = Some(Body::wrap(body));
        Ok(request)
    }

    /// Reads into one buffer that never moves, so that wiping it leaves no copy behind.
    pub(crate) async fn read(&self, mut response: Response) -> Result<Zeroizing<Vec<u8>>, Cause> {
        let announced = response.content_length().map(usize::try_from);
        let capacity = match announced {
            Some(Ok(length)) if length <= self.max_body => length,
            Some(_) => return Err(Cause::TooLong),
            None => self.max_body,
        };
        let mut body = Zeroizing::new(Vec::with_capacity(capacity));
        while let Some(chunk) = response.chunk().await.map_err(|error| Cause::of(&error))? {
            if body.len() + chunk.len() > self.max_body {
                return Err(Cause::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// A header value that is wiped on drop and shown by no `Debug`.
pub(crate) fn sensitive(text: Zeroizing<String>) -> Result<HeaderValue, Cause> {
    struct Wiped(Zeroizing<String>);
    impl AsRef<[u8]> for Wiped {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(text)))
        .map_err(|_| Cause::Request("a header has characters that no header may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn retry_after(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    (value.len() <= MAX_RETRY_AFTER).then(|| value.to_owned())
}
