//! OAuth errors in Evercam's words: RFC 6749 section 5.2, or the older `message`.

use hyper::StatusCode;
use serde_json::json;

use super::Evercam;
use crate::message::Reply;
use crate::realm::Refusal;

impl Evercam {
    pub(super) fn error(&self, status: StatusCode, code: &str, description: &str) -> Reply {
        let body = if self.config.legacy_errors {
            json!({ "message": description })
        } else {
            json!({ "error": code, "error_description": description })
        };
        Reply::json(status, &body).error(code)
    }

    pub(super) fn invalid_request(&self, description: &str) -> Reply {
        self.error(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    pub(super) fn invalid_client(&self) -> Reply {
        let as_400 = self.config.invalid_client_is_400;
        let status = if as_400 { StatusCode::BAD_REQUEST } else { StatusCode::UNAUTHORIZED };
        self.error(status, "invalid_client", "Client authentication failed.")
    }

    pub(super) fn storage_failed(&self) -> Reply {
        self.error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The state file cannot be written.")
    }

    pub(super) fn refusal(&self, refusal: &Refusal) -> Reply {
        let description = match refusal {
            Refusal::BadCode => "The authorization code is invalid or expired.",
            Refusal::RedirectMismatch => "The redirect URI is not the one of the authorization request.",
            Refusal::VerifierMismatch => "The code verifier does not match.",
            Refusal::DeadToken => "The refresh token is invalid, expired or revoked.",
            Refusal::WiderScope | Refusal::ClientLacksScope => {
                let description = "The scope exceeds the scope of the grant.";
                return self.error(StatusCode::BAD_REQUEST, "invalid_scope", description);
            }
            Refusal::Storage => return self.storage_failed(),
        };
        self.error(StatusCode::BAD_REQUEST, "invalid_grant", description)
    }
}
