//! OAuth errors in the words of Spring Authorization Server.

use hyper::StatusCode;
use serde::Serialize;

use super::DocStatus;
use crate::message::Reply;
use crate::realm::Refusal;

const MEDIA_TYPE: &str = "application/json;charset=UTF-8";
/// Error page of the token endpoint.
pub(super) const TOKEN_ERRORS: &str = "https://datatracker.ietf.org/doc/html/rfc6749#section-5.2";
/// Error page of the authorization endpoint.
pub(super) const AUTHORIZE_ERRORS: &str = "https://datatracker.ietf.org/doc/html/rfc6749#section-4.1.2.1";
/// Error page of PKCE at the authorization endpoint.
pub(super) const PKCE_ERRORS: &str = "https://datatracker.ietf.org/doc/html/rfc7636#section-4.4.1";
/// Error page of the revocation endpoint.
pub(super) const REVOCATION_ERRORS: &str = "https://datatracker.ietf.org/doc/html/rfc7009#section-2.1";

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_uri: Option<&'a str>,
}

/// `{"error":…}` alone.
pub(super) fn code(status: StatusCode, code: &str) -> Reply {
    fail(status, &Body { error: code, error_description: None, error_uri: None })
}

/// 400 for a parameter of the token endpoint.
pub(super) fn parameter(code: &str, name: &str) -> Reply {
    let error_description = Some(format!("OAuth 2.0 Parameter: {name}"));
    let body = Body { error: code, error_description, error_uri: Some(TOKEN_ERRORS) };
    fail(StatusCode::BAD_REQUEST, &body)
}

/// 400 for a parameter of the revocation endpoint.
pub(super) fn revocation_parameter(name: &str) -> Reply {
    let error_description = Some(format!("OAuth 2.0 Token Revocation Parameter: {name}"));
    let body = Body { error: "invalid_request", error_description, error_uri: Some(REVOCATION_ERRORS) };
    fail(StatusCode::BAD_REQUEST, &body)
}

/// The answer to a request that was refused.
pub(super) fn refusal(refusal: &Refusal, doc_status: DocStatus) -> Reply {
    match refusal {
        Refusal::BadCode | Refusal::DeadToken => dead(doc_status),
        Refusal::RedirectMismatch | Refusal::VerifierMismatch => {
            code(StatusCode::BAD_REQUEST, "invalid_grant")
        }
        Refusal::WiderScope => code(StatusCode::BAD_REQUEST, "invalid_scope"),
        Refusal::ClientLacksScope => code(StatusCode::FORBIDDEN, "invalid_scope"),
        Refusal::Storage => code(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
    }
}

/// An answer with the media type that Spring sends.
pub(super) fn send(status: StatusCode, content: &impl Serialize) -> Reply {
    Reply::content(status, MEDIA_TYPE, serde_json::to_vec(content).unwrap_or_default())
}

fn fail(status: StatusCode, body: &Body<'_>) -> Reply {
    send(status, body).error(body.error)
}

fn dead(doc_status: DocStatus) -> Reply {
    match doc_status {
        DocStatus::Off => code(StatusCode::BAD_REQUEST, "invalid_grant"),
        DocStatus::Labelled => code(StatusCode::UNAUTHORIZED, "invalid_grant"),
        DocStatus::Bare => Reply::empty(StatusCode::UNAUTHORIZED),
    }
}
