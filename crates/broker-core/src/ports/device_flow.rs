//! What an authorization server and a client say to each other in a device flow (RFC 8628).

use std::time::Duration;

use broker_crypto::{DeviceCode, UserCode};

use super::ClientCredentials;
use crate::ProviderFailure;

/// One call of the device authorization endpoint (RFC 8628 §3.1).
#[derive(Debug)]
pub struct DeviceRequest {
    /// Who calls.
    pub client: ClientCredentials,
    /// The scopes asked for.
    pub scopes: Vec<String>,
}

/// What an answer of the device authorization endpoint means.
#[derive(Debug)]
pub enum DeviceAnswer {
    /// The flow has begun.
    Begun(DeviceCodes),
    /// Anything else.
    Failed(ProviderFailure),
}

/// The codes of a flow that has begun (RFC 8628 §3.2).
#[derive(Debug)]
pub struct DeviceCodes {
    /// What the broker polls with.
    pub device_code: DeviceCode,
    /// What the user enters.
    pub user_code: UserCode,
    /// Where the user enters it.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<UserCode>,
    /// How long both live.
    pub expires_in: Duration,
    /// The least time between two polls.
    pub interval: Duration,
}

/// What the refusal of a poll means (RFC 8628 §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollRefusal {
    /// The user has not answered yet.
    Pending,
    /// The user has not answered yet, and fewer polls are asked for.
    SlowDown,
    /// The user said no.
    Denied,
    /// The code has lapsed.
    Expired,
    /// Nothing that is said of a device flow only.
    Other,
}
