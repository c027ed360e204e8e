//! The pages that a browser may see. Plain HTML without a script; nothing that the browser sent stands in one.

mod headers;
mod language;
mod render;
mod texts;

use axum::http::StatusCode;
use url::Url;

pub(super) use self::headers::headers;
pub use self::language::Language;

/// Whose page it is.
#[derive(Debug, Clone, Default)]
pub struct Brand {
    /// The tenant's name for people.
    pub name: Option<String>,
    /// Its logo.
    pub logo: Option<Url>,
}

/// One page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page<'a> {
    /// Consent was received, and nobody said where to send the browser: the completion code to carry over.
    Received(&'a str),
    /// The user refused.
    Denied,
    /// The provider answered with another error.
    Failed,
    /// The link is older than its life.
    Expired,
    /// The link was used before.
    Used,
    /// The link is none of ours, or another provider's.
    Unknown,
    /// The callback cannot be read.
    Malformed,
    /// The callback does not come from the provider it should come from.
    WrongIssuer,
    /// The broker cannot answer now.
    Unavailable,
}

impl Page<'static> {
    /// Every page, with a code to look at.
    pub const ALL: [Self; 9] = [
        Self::Received("Zm9ydHktdGhyZWUtY2hhcmFjdGVycy1vZi1jb2RlLTE"),
        Self::Denied,
        Self::Failed,
        Self::Expired,
        Self::Used,
        Self::Unknown,
        Self::Malformed,
        Self::WrongIssuer,
        Self::Unavailable,
    ];
}

impl Page<'_> {
    /// Its name in logs and file names.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Received(_) => "received",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::Unknown => "unknown",
            Self::Malformed => "malformed",
            Self::WrongIssuer => "wrong-issuer",
            Self::Unavailable => "unavailable",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Received(_) | Self::Denied | Self::Failed => StatusCode::OK,
            Self::Expired | Self::Used => StatusCode::GONE,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Malformed | Self::WrongIssuer => StatusCode::BAD_REQUEST,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[cfg(test)]
mod tests;
