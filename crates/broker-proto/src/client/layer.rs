//! A tower layer that puts tokens on outgoing requests.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use tower::{Layer, Service};

use super::error::CallError;
use super::retry::{CopyBody, ReportOnly, RetryWith};
use super::{Token, TokenClient};
use crate::v1::GrantKey;

/// Puts the headers of a token on each request, and reports a token that is answered with 401.
///
/// After a 401 the request is sent once more, if its body can be copied and the broker has a newer token. Nothing is sent a third
/// time. Any other status is passed on; a 403 is no fault of the token.
///
/// ```
/// use broker_proto::client::{TokenClient, TokenLayer};
/// use broker_proto::v1::GrantKey;
///
/// fn layer(tokens: TokenClient, key: GrantKey) -> impl Clone {
///     TokenLayer::for_key(tokens, key).retrying(|body: &String| Some(body.clone()))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct TokenLayer<K, C = ReportOnly> {
    tokens: TokenClient,
    key_for_request: K,
    copy: C,
}

impl<K: Fn(&Parts) -> Option<GrantKey>> TokenLayer<K> {
    /// A layer that finds the key in the request. A request without one is sent as it is.
    pub fn new(tokens: TokenClient, key_for_request: K) -> Self {
        Self { tokens, key_for_request, copy: ReportOnly }
    }
}

impl TokenLayer<()> {
    /// A layer with one key for all requests.
    pub fn for_key(
        tokens: TokenClient,
        key: GrantKey,
    ) -> TokenLayer<impl Fn(&Parts) -> Option<GrantKey> + Clone> {
        TokenLayer::new(tokens, move |_: &Parts| Some(key.clone()))
    }
}

impl<K, C> TokenLayer<K, C> {
    /// Sends a request again whose body this copies: `|body: &B| Some(body.clone())`, or less for bodies that are streams.
    pub fn retrying<B, F: Fn(&B) -> Option<B>>(self, copy: F) -> TokenLayer<K, RetryWith<F>> {
        TokenLayer { tokens: self.tokens, key_for_request: self.key_for_request, copy: RetryWith(copy) }
    }
}

impl<S, K: Clone, C: Clone> Layer<S> for TokenLayer<K, C> {
    type Service = WithToken<S, K, C>;

    fn layer(&self, service: S) -> Self::Service {
        WithToken { service, layer: self.clone() }
    }
}

/// Sends requests with tokens; see [`TokenLayer`].
#[derive(Clone, Debug)]
pub struct WithToken<S, K, C = ReportOnly> {
    service: S,
    layer: TokenLayer<K, C>,
}

impl<S, K, C, B, R> Service<Request<B>> for WithToken<S, K, C>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    K: Fn(&Parts) -> Option<GrantKey>,
    C: CopyBody<B>,
    B: Send + 'static,
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = CallError<S::Error>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context).map_err(CallError::Service)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was polled ready goes with the request.
        let another = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, another);
        let (parts, body) = request.into_parts();
        let Some(key) = (self.layer.key_for_request)(&parts) else {
            let sending = service.call(Request::from_parts(parts, body));
            return Box::pin(async move { sending.await.map_err(CallError::Service) });
        };
        let again = self.layer.copy.copy(&body).map(|body| Request::from_parts(parts.clone(), body));
        let request = Request::from_parts(parts, body);
        Box::pin(send(service, self.layer.tokens.clone(), key, request, again))
    }
}

async fn send<S, B, R>(
    mut service: S,
    tokens: TokenClient,
    key: GrantKey,
    mut request: Request<B>,
    again: Option<Request<B>>,
) -> Result<Response<R>, CallError<S::Error>>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    let token = tokens.token(&key).await.map_err(CallError::Token)?;
    token.put_on(request.headers_mut());
    let response = service.call(request).await.map_err(CallError::Service)?;
    if response.status() != StatusCode::UNAUTHORIZED {
        return Ok(response);
    }
    let newer = report(&tokens, &token, response.headers()).await;
    let (Some(newer), Some(mut again)) = (newer, again) else { return Ok(response) };
    newer.put_on(again.headers_mut());
    poll_fn(|context| service.poll_ready(context)).await.map_err(CallError::Service)?;
    service.call(again).await.map_err(CallError::Service)
}

/// Reports a token. Answers a newer one; where there is none, or the report fails, the provider's answer is all there is to say.
async fn report(tokens: &TokenClient, token: &Token, said: &HeaderMap) -> Option<std::sync::Arc<Token>> {
    let detail = said.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let answer = tokens.report_rejected(token, StatusCode::UNAUTHORIZED.as_u16(), detail).await;
    answer.ok().filter(|newer| newer.generation() > token.generation())
}
