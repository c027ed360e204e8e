//! Who sent a request, in each mode.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Request};
use broker_core::{Clock, Principal};

use super::issuer::Issuers;
use super::peer::Peer;
use super::refusal::Refusal;
use super::trust_domains::TrustDomains;

/// Metadata that names the caller in mode `dev`, and the caller who does not name himself.
const HEADER: &str = "x-tokenbroker-principal";
const ANYBODY: &str = "dev";

/// Knows callers by what they show.
pub(super) enum Authenticator {
    /// Mode `dev`: whoever the caller says.
    Nobody,
    /// Mode `mtls`.
    Certificates { domains: Arc<TrustDomains>, clock: Arc<dyn Clock> },
    /// Mode `jwt`.
    Tokens(Issuers),
}

impl Authenticator {
    /// The caller. A token is taken out of the request: nobody behind has a use for it.
    pub(super) async fn principal<B>(&self, request: &mut Request<B>) -> Result<Principal, Refusal> {
        match self {
            Self::Nobody => said(request.headers()),
            Self::Certificates { domains, clock } => {
                let peer = request.extensions().get::<Peer>().ok_or(Refusal::NoCertificate)?;
                peer.principal(domains, clock.now())
            }
            Self::Tokens(issuers) => {
                let principal = issuers.principal(request.headers()).await;
                request.headers_mut().remove(AUTHORIZATION);
                principal
            }
        }
    }
}

fn said(headers: &HeaderMap) -> Result<Principal, Refusal> {
    let named = headers.get(HEADER).and_then(|value| value.to_str().ok());
    named.and_then(Principal::new).or_else(|| Principal::new(ANYBODY)).ok_or(Refusal::Name)
}
