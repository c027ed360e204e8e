//! Tokens of other accounts, as Eagle Eye gives them (`authorizationTokens`): a JSON request with the token of somebody who
//! may act there, and an answer unlike those of token endpoints.

use broker_core::ports::{DerivedTokenRequest, RawResponse, TokenOutcome};
use broker_core::{GrantWindow, Timestamp, TokenResponse};
use broker_crypto::AccessToken;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use crate::ProviderDefinition;
use crate::base_url::capture;
use crate::members::Members;
use crate::request::EncodedRequest;
use crate::response::is_usable;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    r#type: &'static str,
    target_type: &'static str,
    target_id: &'a str,
    scopes: &'a [String],
}

/// The header is a secret, the body is none.
#[expect(
    clippy::expect_used,
    reason = "never fails because strings and lists of them can be written as JSON"
)]
pub(crate) fn encode(request: &DerivedTokenRequest<'_>) -> EncodedRequest {
    let body = Body {
        r#type: "reseller",
        target_type: "account",
        target_id: request.target,
        scopes: request.scopes,
    };
    let body = serde_json::to_vec(&body).expect("strings can be written as JSON");
    let authorization = Zeroizing::new(format!("Bearer {}", request.access_token.expose()));
    EncodedRequest { authorization: Some(authorization), body: Zeroizing::new(body) }
}

impl ProviderDefinition {
    pub(crate) fn read_derived(&self, response: &RawResponse) -> TokenOutcome {
        let members = Members::parse(response.body.expose());
        let token = match response.status {
            200..=299 => members.as_ref().and_then(access_token),
            _ => None,
        };
        match (members, token) {
            (Some(members), Some(token)) => {
                TokenOutcome::Granted(self.derived(&members, token, response.received_at))
            }
            (members, _) => TokenOutcome::Failed(self.failure(response, members.as_ref(), false)),
        }
    }

    fn derived(
        &self,
        members: &Members<'_>,
        access_token: AccessToken,
        received_at: Timestamp,
    ) -> TokenResponse {
        let base_url = self.wire.base_url_member.as_deref().filter(|name| members.says(name));
        let scopes =
            members.get("scopes").and_then(|scopes| serde_json::from_str::<Vec<String>>(scopes.get()).ok());
        let expires_at = members.text("expireTimestamp").and_then(|text| instant(&text));
        TokenResponse {
            access_token,
            refresh_token: None,
            token_type: "Bearer".to_owned(),
            expires_in: expires_at.map(|at| at.since(received_at)),
            scopes: scopes.filter(|scopes| !scopes.is_empty() && scopes.iter().all(|scope| is_scope(scope))),
            api_base_url: base_url.and_then(|name| capture(members.get(name)?, &self.endpoints.api_hosts)),
            window: GrantWindow { refresh_token_timeout: None, authorization_expires_in: None },
        }
    }
}

fn access_token(members: &Members<'_>) -> Option<AccessToken> {
    members.text("accessToken").map(AccessToken::new).filter(is_usable)
}

/// One that can be kept among others (RFC 6749 §3.3).
fn is_scope(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic())
}

fn instant(text: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1000).ok().map(Timestamp::from_unix_micros)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use broker_core::FailureKind;
    use broker_crypto::ProviderResponse;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000); // 2023-11-14T22:13:20Z

    fn read(status: u16, body: &str) -> TokenOutcome {
        let body = ProviderResponse::new(body.as_bytes().to_vec());
        let response = RawResponse { status, retry_after: None, body, received_at: NOW };
        ProviderDefinition::eagle_eye().read_derived(&response)
    }

    fn granted(body: &str) -> TokenResponse {
        match read(201, body) {
            TokenOutcome::Granted(tokens) => tokens,
            TokenOutcome::Failed(failure) => panic!("{failure:?}"),
        }
    }

    #[test]
    fn a_request_names_the_account_and_shows_the_token() {
        let token = AccessToken::new("at-1");
        let scopes = ["vms.all".to_owned()];
        let request = DerivedTokenRequest { access_token: &token, target: "00002222", scopes: &scopes };
        let EncodedRequest { authorization, body } = encode(&request);
        assert_eq!(authorization.unwrap().as_str(), "Bearer at-1");
        let expected =
            r#"{"type":"reseller","targetType":"account","targetId":"00002222","scopes":["vms.all"]}"#;
        assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
    }

    #[test]
    fn an_answer_says_when_it_expires_and_where_to_go() {
        let tokens = granted(
            r#"{"accessToken":"at-2","expireTimestamp":"2023-11-15T00:13:20.000+01:00","scopes":["vms.all"],
                "httpsBaseUrl":{"hostname":"api.c002.eagleeyenetworks.com","port":443}}"#,
        );
        assert_eq!(tokens.access_token.expose(), "at-2");
        assert_eq!(tokens.expires_in, Some(Duration::from_secs(3600)));
        assert_eq!(tokens.scopes, Some(vec!["vms.all".to_owned()]));
        assert_eq!(tokens.api_base_url.as_deref(), Some("https://api.c002.eagleeyenetworks.com:443"));
        assert!(tokens.refresh_token.is_none());
    }

    #[test]
    fn what_is_missing_or_odd_is_left_out() {
        for odd in [
            r#"{"accessToken":"at-2"}"#,
            r#"{"accessToken":"at-2","expireTimestamp":"tomorrow","scopes":"vms.all"}"#,
            r#"{"accessToken":"at-2","scopes":["two words"]}"#,
            r#"{"accessToken":"at-2","httpsBaseUrl":{"hostname":"evil.example","port":443}}"#,
        ] {
            let tokens = granted(odd);
            assert_eq!((tokens.expires_in, tokens.scopes, tokens.api_base_url), (None, None, None), "{odd}");
        }
    }

    #[test]
    fn what_has_expired_already_lives_no_longer() {
        let tokens = granted(r#"{"accessToken":"at-2","expireTimestamp":"2001-01-01T00:00:00Z"}"#);
        assert_eq!(tokens.expires_in, Some(Duration::ZERO));
    }

    #[test]
    fn a_refusal_is_classified_by_its_status() {
        let body = r#"{"code":403,"status":"permissionDenied","message":"no"}"#;
        for (status, body, kind) in [
            (400, body, FailureKind::Refused),
            (401, body, FailureKind::UnlabelledRefusal),
            (403, body, FailureKind::UnlabelledRefusal),
            (404, body, FailureKind::Refused),
            (429, body, FailureKind::Throttled),
            (500, body, FailureKind::Uncertain),
            (201, r#"{"accessToken":""}"#, FailureKind::Uncertain),
            (201, "<html>", FailureKind::Uncertain),
        ] {
            match read(status, body) {
                TokenOutcome::Failed(failure) => assert_eq!(failure.kind, kind, "{status} {body}"),
                TokenOutcome::Granted(_) => panic!("{status} {body}"),
            }
        }
    }
}
