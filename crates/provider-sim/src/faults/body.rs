//! The bodies and headers of faulty answers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::message::Reply;

/// The body of a faulty answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultBody {
    /// An error in the provider's own shape for this status and endpoint.
    #[default]
    Provider,
    /// This JSON, for example an `error` under status 200.
    Json(Value),
    /// The page of a reverse proxy.
    Html,
    /// Nothing.
    Empty,
    /// JSON that ends in the middle: half of the real answer, where there is one.
    Truncated,
    /// Anything.
    Raw {
        /// The `Content-Type` header.
        content_type: String,
        /// The body.
        body: String,
    },
}

/// The form of a `Retry-After` header (RFC 9110 section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// An HTTP date, this many seconds after the simulator's present.
    DateIn(u64),
}

/// A faulty answer, described.
pub(crate) struct Failure<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a FaultBody,
    pub(crate) retry_after: Option<RetryAfter>,
}

impl Failure<'_> {
    /// Makes the answer. `own` is the provider's own error, `real` the body of the answer that it replaces.
    pub(crate) fn reply(
        &self,
        own: impl FnOnce(StatusCode) -> Reply,
        real: Option<&Bytes>,
        now: SystemTime,
    ) -> Reply {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reply = match self.body {
            FaultBody::Provider => own(status),
            FaultBody::Json(value) => json(status, value),
            FaultBody::Html => Reply::html(status, proxy_page(status)),
            FaultBody::Empty => Reply::empty(status),
            FaultBody::Truncated => Reply::content(status, "application/json", half(real)),
            FaultBody::Raw { content_type, body } => Reply::content(status, content_type, body.clone()),
        };
        match self.retry_after {
            Some(retry_after) => reply.header(RETRY_AFTER, &retry_after.value(now)),
            None => reply,
        }
    }
}

impl RetryAfter {
    fn value(self, now: SystemTime) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::DateIn(seconds) => httpdate::fmt_http_date(now + Duration::from_secs(seconds)),
        }
    }
}

fn json(status: StatusCode, value: &Value) -> Reply {
    let reply = Reply::json(status, value);
    match value.get("error").and_then(Value::as_str) {
        Some(code) => reply.error(code),
        None => reply,
    }
}

fn proxy_page(status: StatusCode) -> String {
    format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body><center><h1>{status}</h1></center></body>\r\n</html>\r\n"
    )
}

fn half(real: Option<&Bytes>) -> Bytes {
    match real {
        Some(body) if body.len() > 1 => body.slice(..body.len() / 2),
        _ => Bytes::from_static(b"{\"access_token\":\"ey"),
    }
}
