//! Reading an answer of a revocation endpoint (RFC 7009 §2.2).

use broker_core::FailureKind;
use broker_core::ports::{RawResponse, RevocationAnswer};

use crate::ProviderDefinition;
use crate::members::Members;

impl ProviderDefinition {
    /// Any 2xx without an error is success, an empty one too. A token the server does not know any more is one that is
    /// revoked.
    pub(crate) fn read_revocation(&self, response: &RawResponse) -> RevocationAnswer {
        let members = Members::parse(response.body.expose());
        let refused = members.as_ref().is_some_and(|members| self.is_refusal(members));
        if matches!(response.status, 200..=299) && !refused {
            return RevocationAnswer::Revoked;
        }
        let failure = self.failure(response, members.as_ref(), false);
        match (failure.kind, failure.oauth_error.as_deref()) {
            // Of a server in trouble no code is believed.
            (FailureKind::Throttled | FailureKind::Uncertain, _) => RevocationAnswer::Failed(failure),
            (FailureKind::DeadToken, _) => RevocationAnswer::Revoked,
            (_, Some(code)) if self.is_revoked_before(code) => RevocationAnswer::Revoked,
            (_, Some("unsupported_token_type")) => RevocationAnswer::Unsupported,
            _ => RevocationAnswer::Failed(failure),
        }
    }

    fn is_revoked_before(&self, code: &str) -> bool {
        let listed = self.wire.revoked_before_codes.iter().any(|known| known.eq_ignore_ascii_case(code));
        listed || code.eq_ignore_ascii_case("invalid_token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::answer;

    fn read(status: u16, body: &str) -> RevocationAnswer {
        ProviderDefinition::oauth2().read_revocation(&answer(status, body))
    }

    #[test]
    fn what_is_gone_is_revoked() {
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (204, ""),
            (400, r#"{"error":"invalid_token"}"#),
            (400, r#"{"error":"invalid_grant"}"#),
            (401, r#"{"error":"INVALID_TOKEN"}"#),
        ] {
            assert_eq!(read(status, body), RevocationAnswer::Revoked, "{status} {body}");
        }
    }

    #[test]
    fn a_server_in_trouble_has_revoked_nothing() {
        for (status, body, kind) in [
            (503, "", FailureKind::Uncertain),
            (500, r#"{"error":"invalid_token"}"#, FailureKind::Uncertain),
            (429, r#"{"error":"invalid_token"}"#, FailureKind::Throttled),
            (401, r#"{"error":"invalid_client"}"#, FailureKind::ClientRejected),
            (401, "", FailureKind::UnlabelledRefusal),
            (400, r#"{"error":"invalid_request"}"#, FailureKind::Refused),
            (404, "", FailureKind::Refused),
            (200, r#"{"ok":false}"#, FailureKind::Uncertain),
        ] {
            match read(status, body) {
                RevocationAnswer::Failed(failure) => assert_eq!(failure.kind, kind, "{status} {body}"),
                other => panic!("{status} {body}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_kind_of_token_may_not_be_revocable() {
        assert_eq!(read(400, r#"{"error":"unsupported_token_type"}"#), RevocationAnswer::Unsupported);
    }
}
