//! What the browser gets: the way on to the product, or a page.

use axum::http::header::{ALLOW, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use broker_core::{AuthorizationProblem, BrokerError, ReceivedAnswer, ReceivedCallback};
use url::Url;

use super::pages::{Brand, Language, Page, headers};

/// How long a browser that found no room waits, in seconds.
const RETRY_SECONDS: &str = "5";

/// The answer to a callback that was accepted.
pub(super) fn answer(received: ReceivedCallback, brand: &Brand, language: Language) -> Response {
    match received.return_to.as_deref().map(Url::parse) {
        Some(Ok(return_to)) => send_on(return_to, &received),
        // What is no URL was no URL when it was registered, and is refused there.
        Some(Err(_)) | None => {
            let page = match &received.answer {
                ReceivedAnswer::Code(code) => Page::Received(code.expose()),
                ReceivedAnswer::Denied => Page::Denied,
                ReceivedAnswer::Failed => Page::Failed,
            };
            show(&page, brand, language)
        }
    }
}

/// 303, so that whatever the browser came with it goes on with GET (RFC 9110 §15.4.4).
fn send_on(mut return_to: Url, received: &ReceivedCallback) -> Response {
    let (name, value) = match &received.answer {
        ReceivedAnswer::Code(code) => ("completion_code", code.expose()),
        ReceivedAnswer::Denied => ("error", "access_denied"),
        ReceivedAnswer::Failed => ("error", "server_error"),
    };
    let id = received.authorization.to_string();
    return_to.query_pairs_mut().append_pair("authorization_id", &id).append_pair(name, value);
    let mut response = StatusCode::SEE_OTHER.into_response();
    headers(response.headers_mut(), None);
    match HeaderValue::from_str(return_to.as_str()) {
        Ok(location) => drop(response.headers_mut().insert(LOCATION, location)),
        // Never fails because a parsed URL is ASCII without control characters.
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// The page for a callback that was not accepted.
pub(super) fn refusal(error: &BrokerError, brand: &Brand, language: Language) -> Response {
    let page = match error {
        BrokerError::InvalidRequest(_) => Page::Malformed,
        BrokerError::AuthorizationInvalid(AuthorizationProblem::AlreadyUsed) => Page::Used,
        BrokerError::AuthorizationInvalid(AuthorizationProblem::Expired) => Page::Expired,
        BrokerError::AuthorizationInvalid(AuthorizationProblem::WrongIssuer) => Page::WrongIssuer,
        BrokerError::AuthorizationInvalid(_) => Page::Unknown,
        _ => {
            tracing::error!(%error, "a callback could not be received");
            return unavailable(brand, language);
        }
    };
    tracing::debug!(%error, page = page.name(), "a callback was refused");
    show(&page, brand, language)
}

/// The state is not used up: the browser may come again.
pub(super) fn unavailable(brand: &Brand, language: Language) -> Response {
    let mut response = show(&Page::Unavailable, brand, language);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    response
}

pub(super) fn not_allowed(language: Language) -> Response {
    let mut response = show(&Page::Malformed, &Brand::default(), language);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    response
}

fn show(page: &Page<'_>, brand: &Brand, language: Language) -> Response {
    let mut response = (page.status(), page.render(brand, language)).into_response();
    headers(response.headers_mut(), Some(brand));
    response
}
