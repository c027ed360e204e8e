//! A token, and what is needed to use it.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::error::TokenError;
use crate::v1::{GetAccessTokenResponse, GrantKey, ServedStaleReason};

/// A token as the broker vended it. Its secrets are erased from memory with it, and `Debug` leaves them out.
pub struct Token {
    key: GrantKey,
    headers: Vec<(HeaderName, Zeroizing<String>)>,
    access_token: Zeroizing<String>,
    about: GetAccessTokenResponse,
    expires_at: Option<SystemTime>,
    refresh_hint_at: Option<SystemTime>,
}

impl Token {
    /// Takes the secrets out of an answer.
    pub(super) fn read(key: &GrantKey, mut answer: GetAccessTokenResponse) -> Result<Self, TokenError> {
        let access_token = Zeroizing::new(std::mem::take(&mut answer.access_token));
        let said = std::mem::take(&mut answer.headers);
        let headers: Result<Vec<_>, _> =
            said.into_iter().map(|(name, value)| header(&name, Zeroizing::new(value))).collect();
        Ok(Self {
            key: key.clone(),
            headers: headers?,
            access_token,
            expires_at: read_time(answer.expire_time)?,
            refresh_hint_at: read_time(answer.refresh_hint_time)?,
            about: answer,
        })
    }

    /// The key it was asked for with, `account` filled in.
    #[must_use]
    pub fn key(&self) -> &GrantKey {
        &self.key
    }

    /// Names, in lower case, and values of what goes on a request. The values are secret.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Puts the headers on a request in place of what stands there, marked as sensitive.
    pub fn put_on(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            if let Ok(mut value) = HeaderValue::from_str(value) {
                value.set_sensitive(true);
                headers.insert(name.clone(), value);
            }
        }
    }

    /// The access token, for those who cannot use headers; empty for an API key. Secret.
    #[must_use]
    pub fn access_token(&self) -> &str {
        &self.access_token
    }

    /// `Bearer` as a rule; `ApiKey` for an API key.
    #[must_use]
    pub fn token_type(&self) -> &str {
        &self.about.token_type
    }

    /// Prefix of API calls, without a final slash; empty where the provider has none.
    #[must_use]
    pub fn api_base_url(&self) -> &str {
        &self.about.api_base_url
    }

    /// Number of the token among those of its grant.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.about.generation
    }

    /// When it expires; `None` for an API key.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// When the broker expects to have a newer one.
    #[must_use]
    pub fn refresh_hint_at(&self) -> Option<SystemTime> {
        self.refresh_hint_at
    }

    /// The granted scopes.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.about.scopes
    }

    /// Why the broker served it although it wanted a newer one; `Unspecified` for a fresh one.
    #[must_use]
    pub fn served_stale_reason(&self) -> ServedStaleReason {
        self.about.served_stale_reason()
    }

    /// How long it still lives. `None` once it does not.
    pub(super) fn left(&self, now: SystemTime) -> Option<Duration> {
        let Some(expires_at) = self.expires_at else { return Some(Duration::MAX) };
        expires_at.duration_since(now).ok().filter(|left| !left.is_zero())
    }

    /// What a machine credential gives belongs to no grant, so there is nothing to watch.
    /// Whether it came after the other one. What is of another kind has taken its place.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        self.is_of_a_grant() != other.is_of_a_grant() || self.generation() > other.generation()
    }

    pub(super) fn is_of_a_grant(&self) -> bool {
        self.about.token_type != "ApiKey" && !self.about.grant_id.is_empty()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("key", &self.key)
            .field("generation", &self.about.generation)
            .field("expires_at", &self.expires_at)
            .field("headers", &format_args!("[redacted]"))
            .finish_non_exhaustive()
    }
}

fn header(name: &str, value: Zeroizing<String>) -> Result<(HeaderName, Zeroizing<String>), TokenError> {
    let name = HeaderName::try_from(name).map_err(|_| TokenError::Unusable("a header has no valid name"))?;
    HeaderValue::from_str(&value).map_err(|_| TokenError::Unusable("a header has no valid value"))?;
    Ok((name, value))
}

fn read_time(time: Option<prost_types::Timestamp>) -> Result<Option<SystemTime>, TokenError> {
    time.map(SystemTime::try_from).transpose().map_err(|_| TokenError::Unusable("a time is out of range"))
}
