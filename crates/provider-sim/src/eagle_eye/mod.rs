//! Eagle Eye Networks: a customised Spring Authorization Server and the API that its tokens open.

mod api;
mod authorization_tokens;
mod authorize;
mod client_auth;
mod config;
mod error;
mod mint;
mod revoke;
mod token;

use hyper::header::{CACHE_CONTROL, EXPIRES, PRAGMA};
use hyper::{Method, StatusCode};

pub use config::{DocStatus, EagleEyeConfig, EagleEyeUser, HttpsBaseUrl};

use crate::clock::Clock;
use crate::journal::Endpoint;
use crate::jwt::Signer;
use crate::ledger::StateError;
use crate::message::{Reply, Request};
use crate::params::Params;
use crate::provider::{Answer, Facts, Provider, code_for};
use crate::realm::{Realm, Rules};

const NAME: &str = "Eagle Eye Networks";
const AUTHORIZE: &str = "/oauth2/authorize";
const TOKEN: &str = "/oauth2/token";
const REVOKE: &str = "/oauth2/revoke";

/// The simulated provider.
pub(crate) struct EagleEye {
    config: EagleEyeConfig,
    realm: Realm,
    signer: Signer,
}

impl EagleEye {
    pub(crate) fn open(config: EagleEyeConfig, clock: Clock) -> Result<Self, StateError> {
        let rules = Rules {
            grant: config.grant_policy,
            reuse: config.reuse_policy,
            reach: config.revocation_reach,
            consent_replaces: config.consent_replaces,
            refresh_kills_access: true,
            replay_revokes: true,
            foreign_client_burns_code: true,
            checks_client_scope: true,
        };
        let realm = Realm::open(config.clients.clone(), rules, clock, config.state_file.as_deref())?;
        Ok(Self { config, realm, signer: Signer::new() })
    }

    /// The parameters of a token or revocation request. Spring drops a form parameter whose name occurs in the
    /// query string.
    fn body_params(&self, request: &Request) -> Params {
        if self.config.accept_json && request.is_json() {
            return Params::from_json(&request.body).unwrap_or_default();
        }
        request.form_params().without(|name| request.query.contains(name))
    }

    fn user(&self, id: &str) -> Option<&EagleEyeUser> {
        self.config.users.iter().find(|user| user.id == id)
    }
}

impl Provider for EagleEye {
    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn endpoint(&self, request: &Request) -> Endpoint {
        match request.path.as_str() {
            AUTHORIZE => Endpoint::Authorize,
            REVOKE => Endpoint::Revoke,
            TOKEN => match self.body_params(request).get("grant_type") {
                Some("authorization_code") => Endpoint::Exchange,
                Some("refresh_token") => Endpoint::Refresh,
                _ => Endpoint::Token,
            },
            authorization_tokens::PATH => Endpoint::AuthorizationTokens,
            path if path.starts_with("/api/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn facts(&self, endpoint: Endpoint, request: &Request) -> Facts {
        let params = match endpoint {
            Endpoint::Authorize => request.query_params().chain(request.form_params()),
            _ => self.body_params(request),
        };
        let token = if endpoint == Endpoint::Revoke { "token" } else { "refresh_token" };
        Facts {
            client_id: client_auth::named_client(request, &params),
            grant_type: params.get("grant_type").map(str::to_owned),
            token: params.get(token).map(str::to_owned),
        }
    }

    fn answer(&self, endpoint: Endpoint, request: &Request) -> Answer {
        let mut answer = match endpoint {
            Endpoint::Authorize => self.authorize(request),
            Endpoint::Exchange | Endpoint::Refresh | Endpoint::Token if request.method == Method::POST => {
                self.token(request)
            }
            Endpoint::Revoke if request.method == Method::POST => self.revoke(request),
            Endpoint::AuthorizationTokens if request.method == Method::POST => {
                return self.authorization_token(request);
            }
            Endpoint::AuthorizationTokens | Endpoint::Api => return self.api(request),
            Endpoint::Unknown => return Answer::unchanged(Reply::empty(StatusCode::NOT_FOUND)),
            _ => Answer::unchanged(Reply::empty(StatusCode::METHOD_NOT_ALLOWED)),
        };
        answer.reply = uncached(answer.reply);
        answer
    }

    fn own_error(&self, endpoint: Endpoint, request: &Request, status: StatusCode) -> Reply {
        match endpoint {
            Endpoint::Api | Endpoint::AuthorizationTokens => api::own_error(status, &request.path),
            _ => uncached(error::code(status, code_for(status))),
        }
    }
}

/// The headers that Spring Security puts on every answer.
fn uncached(reply: Reply) -> Reply {
    reply
        .header(CACHE_CONTROL, "no-cache, no-store, max-age=0, must-revalidate")
        .header(PRAGMA, "no-cache")
        .header(EXPIRES, "0")
}
