//! The layer in front of every service: it puts the caller into the request, or turns the request away.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use super::authenticator::Authenticator;
use super::peer::Peer;
use super::refusals::Refusals;
use crate::grpc::{self, Draft};

/// The one service that asks for no credential (grpc.health.v1): probes have none.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// Wraps services.
#[derive(Clone)]
pub(crate) struct AuthLayer {
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) refusals: Arc<Refusals>,
}

impl<S> Layer<S> for AuthLayer {
    type Service = Authenticated<S>;

    fn layer(&self, inner: S) -> Authenticated<S> {
        Authenticated { inner, auth: self.clone() }
    }
}

/// A service whose every request has a `Principal` among its extensions, but for those of health.
#[derive(Clone)]
pub(crate) struct Authenticated<S> {
    inner: S,
    auth: AuthLayer,
}

type Answering<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Authenticated<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answering<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The one that is ready answers, the clone gets ready for the next.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let auth = self.auth.clone();
        Box::pin(async move {
            match auth.admit(&mut request).await {
                true => inner.call(request).await,
                false => Ok(grpc::caller_unknown().into_http()),
            }
        })
    }
}

impl AuthLayer {
    async fn admit(&self, request: &mut Request<Body>) -> bool {
        if request.uri().path().starts_with(HEALTH) {
            return true;
        }
        match self.authenticator.principal(request).await {
            Ok(principal) => {
                if let Some(draft) = request.extensions().get::<Draft>() {
                    draft.called_by(&principal);
                }
                request.extensions_mut().insert(principal);
                true
            }
            Err(refusal) => {
                let address = request.extensions().get::<Peer>().and_then(|peer| peer.address);
                self.refusals.note(&refusal, address);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};

    use broker_core::testing::ManualClock;
    use broker_core::{Principal, Timestamp};
    use tonic::{Code, Status};

    use super::*;
    use crate::auth::issuer::Issuers;
    use crate::auth::trust_domains::TrustDomains;

    /// Answers with the caller and what is left of the request.
    #[derive(Clone)]
    struct Echo;

    impl Service<Request<Body>> for Echo {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            let mut response = Response::new(Body::empty());
            *response.headers_mut() = request.headers().clone();
            response.extensions_mut().extend(request.extensions().clone());
            ready(Ok(response))
        }
    }

    fn layer(authenticator: Authenticator) -> AuthLayer {
        AuthLayer { authenticator: authenticator.into(), refusals: Arc::new(Refusals::new(clock())) }
    }

    async fn call(layer: &AuthLayer, path: &str, headers: &[(&'static str, &str)]) -> Response<Body> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        layer.layer(Echo).call(request).await.unwrap()
    }

    fn caller(response: &Response<Body>) -> Option<&str> {
        response.extensions().get::<Principal>().map(Principal::as_str)
    }

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(Timestamp::from_unix_seconds(0)))
    }

    #[tokio::test]
    async fn who_shows_nothing_reaches_health_and_nothing_else() {
        let certificates =
            Authenticator::Certificates { domains: Arc::new(TrustDomains::new(vec![])), clock: clock() };
        let tokens = Authenticator::Tokens(Issuers::new(vec![], clock()));
        for (authenticator, reason) in [(certificates, "no_certificate"), (tokens, "no_token")] {
            let layer = layer(authenticator);
            let named = [("x-tokenbroker-principal", "grace")];
            for path in ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"] {
                let response = call(&layer, path, &named).await;
                assert_eq!(
                    (caller(&response), Status::from_header_map(response.headers()).is_none()),
                    (None, true)
                );
            }
            let services =
                ["/tokenbroker.v1.TokenService/GetAccessToken", "/grpc.health.v1.HealthX/Check", "/x"];
            for path in services {
                let response = call(&layer, path, &named).await;
                let status = Status::from_header_map(response.headers()).unwrap();
                assert_eq!((status.code(), caller(&response)), (Code::Unauthenticated, None), "{path}");
                assert!(!status.details().is_empty(), "it has its reason");
            }
            assert_eq!(layer.refusals.counts().into_iter().collect::<Vec<_>>(), [(reason, 3)]);
        }
    }

    #[tokio::test]
    async fn in_mode_dev_the_caller_says_who_it_is() {
        let layer = layer(Authenticator::Nobody);
        for (headers, name) in [
            (vec![("x-tokenbroker-principal", "grace")], "grace"),
            (vec![("x-tokenbroker-principal", "")], "dev"),
            (vec![("authorization", "Bearer x")], "dev"),
            (vec![], "dev"),
        ] {
            let response = call(&layer, "/tokenbroker.v1.TokenService/GetAccessToken", &headers).await;
            assert_eq!(caller(&response), Some(name));
        }
    }
}
