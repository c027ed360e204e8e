//! When the access token of an answer expires.

use std::time::Duration;

use crate::{ProviderProfile, Timestamp, TokenResponse};

/// How far the end of a token that is known here may be from the provider's: answers travel, and lives are rounded.
const DOUBT: Duration = Duration::from_secs(10);

/// Decides for an answer to a request of `issued_at`. `held_until` is when the access token that the answer repeats was
/// known to expire; `None` if it is another one.
///
/// A life of less than a second has two meanings. Of a token that is repeated at its end it is its last second, and the
/// end that is known stands; anywhere else the provider names no life.
pub(super) fn expires_at(
    tokens: &TokenResponse,
    held_until: Option<Timestamp>,
    issued_at: Timestamp,
    profile: &ProviderProfile,
) -> Timestamp {
    let is_brought = tokens.access_token.expose().is_empty();
    let named = tokens.expires_in.filter(|life| is_brought || !life.is_zero());
    let known = held_until.filter(|end| tokens.expires_in.is_some() && is_near(*end, issued_at));
    match (named, known) {
        (Some(life), _) => issued_at + life,
        (None, Some(end)) => end,
        (None, None) => issued_at + profile.access_token_lifetime,
    }
}

fn is_near(end: Timestamp, at: Timestamp) -> bool {
    end.since(at) <= DOUBT && at.since(end) <= DOUBT
}
