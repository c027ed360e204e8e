//! What browsers are told about a page: run nothing, load nothing, keep nothing, tell nobody where you were.

use std::sync::LazyLock;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Brand;
use super::render::STYLE;

/// The digest of the one style sheet there is (CSP Level 3 §2.3.1): no other style applies.
static STYLE_DIGEST: LazyLock<String> =
    LazyLock::new(|| STANDARD.encode(broker_crypto::sha256(STYLE.as_bytes())));

/// Sets them. A brand is given where there is a page.
pub(in crate::callback) fn headers(headers: &mut HeaderMap, page: Option<&Brand>) {
    let logo = page.and_then(|brand| brand.logo.as_ref()).map(|url| url.origin().ascii_serialization());
    let policy = content_security_policy(logo.as_deref().unwrap_or("'none'"));
    // Never fails because an origin and a base64 text are ASCII.
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if page.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(VARY, HeaderValue::from_static("accept-language"));
    }
}

fn content_security_policy(images: &str) -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src {images}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        *STYLE_DIGEST
    )
}
