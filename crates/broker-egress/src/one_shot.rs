//! A request that is sent once, and its answer.

use std::fmt;
use std::sync::Arc;

use broker_core::ports::SendGate;
use url::Url;
use zeroize::Zeroizing;

/// A POST whose body is written at most once.
pub struct OneShot {
    /// Where to. See [`crate::screen`].
    pub url: Url,
    /// Value of the `Authorization` header, if any.
    pub authorization: Option<Zeroizing<String>>,
    /// Value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The body, not empty.
    pub body: Zeroizing<Vec<u8>>,
    /// Asked once, after the connection stands and before the first byte of the body is written.
    pub gate: Arc<dyn SendGate>,
}

impl fmt::Debug for OneShot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OneShot({}, [redacted], {} bytes)", self.url.host_str().unwrap_or("-"), self.body.len())
    }
}

/// An answer with any status, redirects included: they are not followed.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The `Retry-After` header, unread.
    pub retry_after: Option<String>,
    /// The whole body.
    pub body: Zeroizing<Vec<u8>>,
    /// Whether the request's body was written. If not, the server answered to the headers alone.
    pub body_sent: bool,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, [redacted], {} bytes)", self.status, self.body.len())
    }
}
