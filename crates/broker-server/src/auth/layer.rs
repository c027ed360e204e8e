//! The layer in front of every service: it puts the caller into the request, or turns the request away.

use std::sync::Arc;

use axum::http::Request;
use tonic::Status;
use tonic::body::Body;

use super::authenticator::Authenticator;
use super::peer::Peer;
use super::refusal::Refusal;
use super::refusals::Refusals;
use crate::around::{Answering, Around, Inner};
use crate::grpc::{self, Draft};

/// The one service that asks for no credential (grpc.health.v1): probes have none.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// Puts a `Principal` among the extensions of every request, but for those of health.
#[derive(Clone)]
pub(crate) struct Authenticated {
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) refusals: Arc<Refusals>,
}

impl Around for Authenticated {
    fn call<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
        // The one that is ready answers, the clone gets ready for the next.
        let clone = inner.clone();
        let mut inner = std::mem::replace(inner, clone);
        let auth = self.clone();
        Box::pin(async move {
            match auth.admit(&mut request).await {
                Ok(()) => inner.call(request).await,
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}

impl Authenticated {
    async fn admit(&self, request: &mut Request<Body>) -> Result<(), Status> {
        if request.uri().path().starts_with(HEALTH) {
            return Ok(());
        }
        match self.authenticator.principal(request).await {
            Ok(principal) => {
                if let Some(draft) = request.extensions().get::<Draft>() {
                    draft.called_by(&principal);
                }
                request.extensions_mut().insert(principal);
                Ok(())
            }
            Err(refusal) => {
                let address = request.extensions().get::<Peer>().and_then(|peer| peer.address);
                self.refusals.note(&refusal, address);
                Err(told(&refusal))
            }
        }
    }
}

/// Nobody learns why he is not known, but for whose issuer we cannot ask: he need not give his credentials up.
fn told(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::StaleKeys => grpc::issuer_unavailable(),
        _ => grpc::caller_unknown(),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::Response;
    use broker_core::testing::ManualClock;
    use broker_core::{Principal, Timestamp};
    use tonic::Code;
    use tower::service_fn;

    use super::*;
    use crate::auth::issuer::Issuers;
    use crate::auth::trust_domains::TrustDomains;

    /// Answers with the caller and what is left of the request.
    async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = request.headers().clone();
        response.extensions_mut().extend(request.extensions().clone());
        Ok(response)
    }

    fn layer(authenticator: Authenticator) -> Authenticated {
        Authenticated { authenticator: authenticator.into(), refusals: Arc::new(Refusals::new(clock())) }
    }

    async fn call(layer: &Authenticated, path: &str, headers: &[(&'static str, &str)]) -> Response<Body> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        layer.call(request, &mut service_fn(echo)).await.unwrap()
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

    #[test]
    fn who_may_be_known_again_soon_is_told_to_come_back() {
        use broker_proto::error::BrokerError;

        let away = BrokerError::from_status(&told(&Refusal::StaleKeys));
        assert_eq!((away.code(), away.retry_delay().is_some()), (Code::Unavailable, true));
        assert_eq!(told(&Refusal::NoToken).code(), Code::Unauthenticated);
    }
}
