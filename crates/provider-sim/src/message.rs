//! HTTP messages as the simulators see them: a whole request in, a whole reply out.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{HeaderMap, Method, StatusCode};
use serde::Serialize;

use crate::params::Params;

/// A request, read to its end.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers.get(name.as_ref())?.to_str().ok()
    }

    /// The media type of the body in lower case, without its parameters.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header(CONTENT_TYPE)?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    pub(crate) fn is_form(&self) -> bool {
        self.media_type().as_deref() == Some("application/x-www-form-urlencoded")
    }

    pub(crate) fn is_json(&self) -> bool {
        self.media_type().as_deref() == Some("application/json")
    }

    pub(crate) fn query_params(&self) -> Params {
        Params::from_urlencoded(self.query.as_bytes())
    }

    /// The parameters of a form body; none when the body is something else.
    pub(crate) fn form_params(&self) -> Params {
        if self.is_form() { Params::from_urlencoded(&self.body) } else { Params::default() }
    }

    /// The token of an `Authorization: Bearer` header (RFC 6750 section 2.1).
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// A reply, ready to be sent.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// The OAuth error code the reply carries, for the journal.
    pub(crate) error: Option<String>,
}

impl Reply {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), error: None }
    }

    pub(crate) fn json(status: StatusCode, content: &impl Serialize) -> Self {
        let body = serde_json::to_vec(content).unwrap_or_default();
        Self::content(status, "application/json", body)
    }

    pub(crate) fn html(status: StatusCode, page: String) -> Self {
        Self::content(status, "text/html;charset=UTF-8", page)
    }

    pub(crate) fn content(status: StatusCode, media_type: &str, body: impl Into<Bytes>) -> Self {
        let mut reply = Self::empty(status);
        reply.body = body.into();
        reply.header(CONTENT_TYPE, media_type)
    }

    /// 302 to the address.
    pub(crate) fn redirect(address: &str) -> Self {
        Self::empty(StatusCode::FOUND).header(LOCATION, address)
    }

    /// Adds a header; a value that is no header value is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub(crate) fn error(mut self, code: &str) -> Self {
        self.error = Some(code.to_owned());
        self
    }
}
