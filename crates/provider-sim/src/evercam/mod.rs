//! Evercam: an authorization server that speaks JSON, and the API that its tokens open.

mod api;
mod authorize;
mod client_auth;
mod config;
mod device;
mod error;
mod introspect;
mod mint;
mod redirect;
mod revoke;
mod token;

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::{Method, StatusCode};

pub use config::{ApiKey, EvercamConfig, EvercamUser, FormBody};

use self::device::{DEVICE, DEVICE_AUTHORIZE, Devices};
use crate::clock::Clock;
use crate::journal::Endpoint;
use crate::ledger::StateError;
use crate::message::{Reply, Request};
use crate::params::Params;
use crate::provider::{Answer, Facts, Provider, code_for};
use crate::realm::{Realm, Rules};

const NAME: &str = "Evercam";
const AUTHORIZE: &str = "/oauth/authorize";
const TOKEN: &str = "/oauth/token";
const REVOKE: &str = "/oauth/revoke";
const INTROSPECT: &str = "/oauth/introspect";

/// The simulated provider.
pub(crate) struct Evercam {
    config: EvercamConfig,
    realm: Realm,
    devices: Mutex<Devices>,
}

impl Evercam {
    pub(crate) fn open(config: EvercamConfig, clock: Clock) -> Result<Self, StateError> {
        let rules = Rules {
            grant: config.grant_policy,
            reuse: config.reuse_policy,
            reach: config.revocation_reach,
            consent_replaces: config.consent_replaces,
            refresh_kills_access: false,
            replay_revokes: false,
            foreign_client_burns_code: false,
            checks_client_scope: false,
        };
        let realm = Realm::open(config.clients.clone(), rules, clock, config.state_file.as_deref())?;
        Ok(Self { config, realm, devices: Mutex::default() })
    }

    fn devices(&self) -> MutexGuard<'_, Devices> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn user(&self, id: &str) -> Option<&EvercamUser> {
        self.config.users.iter().find(|user| user.id == id)
    }
}

impl Provider for Evercam {
    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn endpoint(&self, request: &Request) -> Endpoint {
        match request.path.as_str() {
            AUTHORIZE | DEVICE => Endpoint::Authorize,
            DEVICE_AUTHORIZE => Endpoint::Device,
            REVOKE => Endpoint::Revoke,
            INTROSPECT => Endpoint::Introspect,
            TOKEN => match any_body(request).get("grant_type") {
                Some("authorization_code") => Endpoint::Exchange,
                Some("refresh_token") => Endpoint::Refresh,
                _ => Endpoint::Token,
            },
            path if path.starts_with("/v2/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn facts(&self, endpoint: Endpoint, request: &Request) -> Facts {
        let params = match endpoint {
            Endpoint::Authorize => request.query_params().chain(request.form_params()),
            _ => any_body(request),
        };
        let token = if matches!(endpoint, Endpoint::Revoke | Endpoint::Introspect) {
            "token"
        } else {
            "refresh_token"
        };
        let owned = |name| params.get(name).map(str::to_owned);
        Facts { client_id: owned("client_id"), grant_type: owned("grant_type"), token: owned(token) }
    }

    fn answer(&self, endpoint: Endpoint, request: &Request) -> Answer {
        match endpoint {
            Endpoint::Authorize if request.path == DEVICE => self.device_page(request),
            Endpoint::Authorize => self.authorize(request),
            Endpoint::Device if request.method == Method::POST => self.device_authorize(request),
            Endpoint::Exchange | Endpoint::Refresh | Endpoint::Token if request.method == Method::POST => {
                self.token(request)
            }
            Endpoint::Revoke if request.method == Method::POST => self.revoke(request),
            Endpoint::Introspect if request.method == Method::POST => self.introspect(request),
            Endpoint::Api => self.api(request),
            Endpoint::Unknown => Answer::unchanged(Reply::empty(StatusCode::NOT_FOUND)),
            _ => Answer::unchanged(Reply::empty(StatusCode::METHOD_NOT_ALLOWED)),
        }
    }

    fn own_error(&self, endpoint: Endpoint, _: &Request, status: StatusCode) -> Reply {
        match endpoint {
            Endpoint::Api => api::message(status, status.canonical_reason().unwrap_or("Error")),
            _ => self.error(status, code_for(status), "The request cannot be answered now."),
        }
    }
}

/// The parameters of a JSON or form body, whether or not the provider would take it.
fn any_body(request: &Request) -> Params {
    let json = || Params::from_json(&request.body).unwrap_or_default();
    if request.is_form() { request.form_params() } else { json() }
}
