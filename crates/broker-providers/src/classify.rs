//! What an answer without tokens means. The only place where this is decided.
//!
//! The OAuth error code counts first, the status second, because providers agree on neither: dead tokens come
//! with 200, 400, 401 and 403. Two statuses outrank every code, since a grant that is given up by mistake costs
//! a person's time, and one that is tried again does not.

use broker_core::FailureKind;

use crate::WireProfile;

/// What is known of an answer that grants nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    /// HTTP status.
    pub(crate) status: u16,
    /// The error code, if there is one.
    pub(crate) code: Option<&'a str>,
    /// There is an error, and a usable access token beside it.
    pub(crate) with_tokens: bool,
}

/// Refusals of RFC 6749 §5.2 and RFC 8628 §3.5 that say nothing of token or client.
const REFUSALS: [&str; 7] = [
    "invalid_request",
    "invalid_scope",
    "unsupported_grant_type",
    "access_denied",
    "insufficient_scope",
    "authorization_pending",
    "expired_token",
];

pub(crate) fn classify(refusal: Refusal<'_>, wire: &WireProfile) -> FailureKind {
    match refusal {
        // Neither tokens nor the error can be believed.
        Refusal { with_tokens: true, .. } => FailureKind::Uncertain,
        // Not executed, whatever else it says.
        Refusal { status: 429, .. } => FailureKind::Throttled,
        // The server failed, perhaps after it had rotated. The code cannot be trusted either: servers were
        // seen to answer 500 `invalid_grant` for a failure of their own, and tokens live on (providers.md 3.2).
        Refusal { status: 500.., .. } => FailureKind::Uncertain,
        Refusal { status, code: Some(code), .. } => {
            by_code(code, wire).unwrap_or_else(|| by_status(status, true))
        }
        Refusal { status, code: None, .. } => by_status(status, false),
    }
}

fn by_code(code: &str, wire: &WireProfile) -> Option<FailureKind> {
    let listed = |codes: &[String]| codes.iter().any(|known| known.eq_ignore_ascii_case(code));
    if listed(&wire.dead_token_codes) {
        return Some(FailureKind::DeadToken);
    }
    if listed(&wire.client_rejected_codes) {
        return Some(FailureKind::ClientRejected);
    }
    let kind = match code.to_ascii_lowercase().as_str() {
        "invalid_grant" => FailureKind::DeadToken,
        "invalid_client" | "unauthorized_client" => FailureKind::ClientRejected,
        "slow_down" | "temporarily_unavailable" | "too_many_requests" | "ratelimited" => {
            FailureKind::Throttled
        }
        // A server's failure in the clothes of a refusal.
        "server_error" => FailureKind::Uncertain,
        code if REFUSALS.contains(&code) => FailureKind::Refused,
        _ => return None,
    };
    Some(kind)
}

fn by_status(status: u16, has_code: bool) -> FailureKind {
    match status {
        // An error that nobody knows is still an error; without one, the tokens may be lost in there.
        200..=299 if has_code => FailureKind::Refused,
        // Of client or token: Eagle Eye documents a bare 401 for both.
        401 | 403 => FailureKind::UnlabelledRefusal,
        // A gateway may say so after it passed the request on.
        408 => FailureKind::Uncertain,
        // Redirects are not followed; a server that redirects a token request has not executed it.
        300..=499 => FailureKind::Refused,
        _ => FailureKind::Uncertain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProviderDefinition;

    fn kind(status: u16, code: Option<&str>) -> FailureKind {
        classify(Refusal { status, code, with_tokens: false }, &ProviderDefinition::oauth2().wire)
    }

    #[test]
    fn code_first_status_second() {
        use FailureKind::{ClientRejected, DeadToken, Refused, Throttled, Uncertain, UnlabelledRefusal};
        let cases = [
            (400, Some("invalid_grant"), DeadToken),
            (401, Some("invalid_grant"), DeadToken),
            (403, Some("invalid_grant"), DeadToken),
            (200, Some("invalid_grant"), DeadToken),
            (400, Some("Invalid_Grant"), DeadToken),
            (200, Some("bad_refresh_token"), DeadToken),
            (400, Some("BAD_REFRESH_TOKEN"), DeadToken),
            (200, Some("invalid_refresh_token"), DeadToken),
            (400, Some("invalid_client"), ClientRejected),
            (401, Some("invalid_client"), ClientRejected),
            (403, Some("unauthorized_client"), ClientRejected),
            (200, Some("bad_client_secret"), ClientRejected),
            (401, None, UnlabelledRefusal),
            (403, None, UnlabelledRefusal),
            (401, Some("unauthenticated"), UnlabelledRefusal),
            (401, Some("invalid_scope"), Refused),
            (429, None, Throttled),
            (429, Some("invalid_grant"), Throttled),
            (429, Some("invalid_client"), Throttled),
            (400, Some("slow_down"), Throttled),
            (400, Some("temporarily_unavailable"), Throttled),
            (200, Some("ratelimited"), Throttled),
            (400, None, Refused),
            (400, Some("invalid_request"), Refused),
            (400, Some("invalid_scope"), Refused),
            (400, Some("unsupported_grant_type"), Refused),
            (400, Some("new_code"), Refused),
            (404, None, Refused),
            (405, None, Refused),
            (413, None, Refused),
            (302, None, Refused),
            (307, None, Refused),
            (408, None, Uncertain),
            (400, Some("server_error"), Uncertain),
            (500, None, Uncertain),
            (502, None, Uncertain),
            (503, None, Uncertain),
            (504, None, Uncertain),
            (500, Some("invalid_grant"), Uncertain),
            (503, Some("temporarily_unavailable"), Uncertain),
            (503, Some("invalid_client"), Uncertain),
            (599, None, Uncertain),
            (200, None, Uncertain),
            (204, None, Uncertain),
            (200, Some("new_code"), Refused),
            (200, Some("server_error"), Uncertain),
            (101, None, Uncertain),
        ];
        for (status, code, expected) in cases {
            assert_eq!(kind(status, code), expected, "{status} {code:?}");
        }
    }

    #[test]
    fn only_a_definite_answer_gives_a_grant_up() {
        for status in 100..=999 {
            let refused = kind(status, Some("invalid_grant"));
            assert_eq!(refused == FailureKind::DeadToken, status < 500 && status != 429, "{status}");
            assert_ne!(kind(status, None), FailureKind::DeadToken, "{status}");
        }
    }

    #[test]
    fn tokens_beside_an_error_are_not_believed() {
        let refusal = Refusal { status: 200, code: Some("invalid_grant"), with_tokens: true };
        assert_eq!(classify(refusal, &ProviderDefinition::oauth2().wire), FailureKind::Uncertain);
    }

    #[test]
    fn the_codes_of_other_providers_are_not_evercams() {
        let refusal = Refusal { status: 400, code: Some("bad_refresh_token"), with_tokens: false };
        assert_eq!(classify(refusal, &ProviderDefinition::evercam().wire), FailureKind::Refused);
    }
}
