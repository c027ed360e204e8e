//! The control path: faults, clock and journal over HTTP, under `/_sim/`.
//!
//! | request | body | effect |
//! |---|---|---|
//! | `GET /_sim/journal` | | every request so far, a list of [`Entry`](crate::Entry) |
//! | `GET /_sim/faults` | | the waiting faults |
//! | `POST /_sim/faults` | [`Fault`] | adds a fault |
//! | `DELETE /_sim/faults` | | removes every fault, lets hanging requests go on |
//! | `GET /_sim/clock` | | [`ClockFace`] |
//! | `POST /_sim/clock/advance` | [`AdvanceClock`] | moves the clock forward, answers [`ClockFace`] |
//! | `POST /_sim/revocations` | [`RevokeUser`] | ends every grant of a user, answers [`Revoked`] |
//! | `POST /_sim/client-secrets` | [`SetClientSecret`] | replaces the secret of a client |

use std::time::Duration;

use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::site::Site;
use crate::faults::Fault;
use crate::message::{Reply, Request};

const PREFIX: &str = "/_sim/";

/// Moves the clock forward.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvanceClock {
    /// By so many seconds.
    pub seconds: u64,
}

/// The simulator's time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ClockFace {
    /// Milliseconds since the Unix epoch.
    pub millis: u64,
}

/// Ends every grant of a user.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeUser {
    /// The user's identifier.
    pub user: String,
}

/// How many grants ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Revoked {
    /// The number of grants.
    pub grants: usize,
}

/// Replaces the secret of a client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetClientSecret {
    /// The client.
    pub client_id: String,
    /// Its new secret.
    pub client_secret: String,
}

pub(super) fn is_for(request: &Request) -> bool {
    request.path.starts_with(PREFIX)
}

pub(super) fn answer(site: &Site, request: &Request) -> Reply {
    route(site, request).unwrap_or_else(|refusal| refusal)
}

fn route(site: &Site, request: &Request) -> Result<Reply, Reply> {
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
    match (request.method.as_str(), path) {
        ("GET", "journal") => Ok(Reply::json(StatusCode::OK, &site.journal.entries())),
        ("GET", "faults") => Ok(Reply::json(StatusCode::OK, &site.faults.waiting())),
        ("POST", "faults") => {
            site.faults.push(body::<Fault>(request)?);
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        }
        ("DELETE", "faults") => {
            site.faults.clear();
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        }
        ("GET", "clock") => Ok(clock_face(site)),
        ("POST", "clock/advance") => {
            site.clock.advance(Duration::from_secs(body::<AdvanceClock>(request)?.seconds));
            Ok(clock_face(site))
        }
        ("POST", "revocations") => revoke_user(site, &body(request)?),
        ("POST", "client-secrets") => set_client_secret(site, &body(request)?),
        _ => Err(problem(
            StatusCode::NOT_FOUND,
            "there is no such control; see the documentation of provider-sim",
        )),
    }
}

fn clock_face(site: &Site) -> Reply {
    Reply::json(StatusCode::OK, &ClockFace { millis: site.clock.millis() })
}

fn revoke_user(site: &Site, order: &RevokeUser) -> Result<Reply, Reply> {
    let revoked = site.provider.realm().revoke_all_of_user(&order.user);
    let failed = |error: std::io::Error| problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string());
    Ok(Reply::json(StatusCode::OK, &Revoked { grants: revoked.map_err(failed)? }))
}

fn set_client_secret(site: &Site, order: &SetClientSecret) -> Result<Reply, Reply> {
    let set = site.provider.realm().clients().set_secret(&order.client_id, &order.client_secret);
    set.map_err(|error| problem(StatusCode::NOT_FOUND, &error.to_string()))?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Reply> {
    serde_json::from_slice(&request.body)
        .map_err(|error| problem(StatusCode::BAD_REQUEST, &error.to_string()))
}

fn problem(status: StatusCode, message: &str) -> Reply {
    Reply::json(status, &json!({ "message": message }))
}
