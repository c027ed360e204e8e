//! The device flow on the wire (RFC 8628): what is asked, and what is answered.

use std::time::Duration;

use broker_core::ports::{DeviceAnswer, DeviceCodes, DeviceRequest, PollRefusal, RawResponse};
use broker_core::{FailureKind, ProviderFailure};
use broker_crypto::{DeviceCode, UserCode};

use crate::ProviderDefinition;
use crate::encode;
use crate::lifetime::lifetime;
use crate::members::Members;
use crate::request::EncodedRequest;
use crate::validate::plain_url;

/// Where the provider names none (RFC 8628 §3.2).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// A provider that wants to be polled more often is not.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// A provider that wants to be polled less often than its users wait is wrong.
const LONGEST_INTERVAL: Duration = Duration::from_secs(300);

/// Codes that live longer are let go after this.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// Nobody types more.
const LONGEST_USER_CODE: usize = 64;
const LONGEST_URI: usize = 2048;
const LONGEST_DEVICE_CODE: usize = 4096;

impl ProviderDefinition {
    /// A device authorization request (RFC 8628 §3.1), written as this provider's token requests are.
    pub(crate) fn encode_device(&self, request: &DeviceRequest) -> EncodedRequest {
        let scope = self.scope_text(&request.scopes);
        let mut parameters = Vec::new();
        let authorization = match self.wire.device_flow_without_secret {
            true => {
                parameters.push(("client_id", request.client.client_id.as_str()));
                None
            }
            false => self.authenticate(&request.client, &mut parameters),
        };
        if !scope.is_empty() {
            parameters.push(("scope", &scope));
        }
        EncodedRequest { authorization, body: encode::body(self.wire.body_format, &parameters) }
    }

    /// An answer that lacks anything, or holds what no user should be sent to, is no answer.
    pub(crate) fn read_device(&self, response: &RawResponse) -> DeviceAnswer {
        let members = Members::parse(response.body.expose());
        let refused = members.as_ref().is_some_and(|members| self.is_refusal(members));
        let codes = match response.status {
            200..=299 if !refused => members.as_ref().and_then(codes),
            _ => None,
        };
        match codes {
            Some(codes) => DeviceAnswer::Begun(codes),
            None => DeviceAnswer::Failed(self.failure(response, members.as_ref(), false)),
        }
    }

    /// What RFC 8628 §3.5 says. Of a server in trouble no code is believed.
    pub(crate) fn read_poll_refusal(failure: &ProviderFailure) -> PollRefusal {
        let code = failure.oauth_error.as_deref().filter(|_| failure.kind != FailureKind::Uncertain);
        match code {
            Some("authorization_pending") => PollRefusal::Pending,
            Some("slow_down") => PollRefusal::SlowDown,
            Some("access_denied") => PollRefusal::Denied,
            Some("expired_token") => PollRefusal::Expired,
            _ => PollRefusal::Other,
        }
    }
}

fn codes(members: &Members<'_>) -> Option<DeviceCodes> {
    let text = |name: &str, longest| {
        members
            .text(name)
            .filter(|text| (1..=longest).contains(&text.len()) && !text.chars().any(char::is_control))
    };
    let link = |name: &str| text(name, LONGEST_URI).filter(|uri| plain_url(uri).is_ok());
    let interval = members.get("interval").and_then(lifetime).unwrap_or(DEFAULT_INTERVAL);
    Some(DeviceCodes {
        device_code: DeviceCode::new(text("device_code", LONGEST_DEVICE_CODE)?),
        user_code: UserCode::new(text("user_code", LONGEST_USER_CODE)?),
        // Google's first name for it is still met.
        verification_uri: link("verification_uri").or_else(|| link("verification_url"))?,
        verification_uri_complete: link("verification_uri_complete").map(UserCode::new),
        expires_in: members.get("expires_in").and_then(lifetime)?.min(LONGEST_LIFE),
        interval: interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL),
    })
}

#[cfg(test)]
mod tests {
    use broker_core::ports::ClientCredentials;
    use broker_crypto::ClientSecret;

    use super::*;
    use crate::testing::answer;

    const ANSWER: &str = r#"{"device_code":"d-1","user_code":"BDFG-HJKL","verification_uri":"https://e.example/device",
        "verification_uri_complete":"https://e.example/device?user_code=BDFG-HJKL","expires_in":900,"interval":5}"#;

    fn encoded(definition: &ProviderDefinition) -> (Option<String>, String) {
        let client =
            ClientCredentials { client_id: "c-1".to_owned(), client_secret: Some(ClientSecret::new("s-1")) };
        let request =
            definition.encode_device(&DeviceRequest { client, scopes: vec!["a".into(), "b".into()] });
        let authorization = request.authorization.map(|header| header.to_string());
        (authorization, String::from_utf8(request.body.to_vec()).unwrap())
    }

    fn begun(body: &str) -> Option<DeviceCodes> {
        match ProviderDefinition::oauth2().read_device(&answer(200, body)) {
            DeviceAnswer::Begun(codes) => Some(codes),
            DeviceAnswer::Failed(_) => None,
        }
    }

    #[test]
    fn evercam_is_asked_in_json_and_without_a_secret() {
        let (authorization, body) = encoded(&ProviderDefinition::evercam());
        assert_eq!((authorization, body.as_str()), (None, r#"{"client_id":"c-1","scope":"a b"}"#));
    }

    #[test]
    fn others_are_asked_by_the_book() {
        let (authorization, body) = encoded(&ProviderDefinition::oauth2());
        assert_eq!(body, "scope=a+b");
        assert!(authorization.unwrap().starts_with("Basic "));
    }

    #[test]
    fn an_answer_is_read() {
        let codes = begun(ANSWER).unwrap();
        assert_eq!(codes.device_code.expose(), "d-1");
        assert_eq!(codes.user_code.expose(), "BDFG-HJKL");
        assert_eq!(codes.verification_uri, "https://e.example/device");
        assert!(codes.verification_uri_complete.unwrap().expose().ends_with("BDFG-HJKL"));
        assert_eq!((codes.expires_in.as_secs(), codes.interval.as_secs()), (900, 5));
        let silent = ANSWER.replace(r#","interval":5"#, "");
        assert_eq!(begun(&silent).unwrap().interval, DEFAULT_INTERVAL);
    }

    #[test]
    fn what_lacks_a_part_or_leads_astray_is_no_answer() {
        for (part, instead) in [
            (r#""d-1""#, "\"\"".to_owned()),
            (r#""user_code":"BDFG-HJKL","#, String::new()),
            (r#""expires_in":900"#, r#""expires_in":"soon""#.to_owned()),
            ("https://e.example/device\"", "http://e.example/device\"".to_owned()),
            ("https://e.example/device\"", "javascript:alert(1)\"".to_owned()),
            ("BDFG-HJKL\",", format!("{}\",", "B".repeat(65))),
            ("BDFG-HJKL\",", "B\\u001b[2J\",".to_owned()),
        ] {
            let body = ANSWER.replacen(part, &instead, 1);
            assert_ne!(body, ANSWER);
            assert!(begun(&body).is_none(), "{body}");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let refused = answer(401, r#"{"error":"invalid_client"}"#);
        let answer = ProviderDefinition::oauth2().read_device(&refused);
        let DeviceAnswer::Failed(failure) = answer else { panic!("{answer:?}") };
        assert_eq!(failure.kind, FailureKind::ClientRejected);
    }

    #[test]
    fn refusals_of_polls_are_told_apart() {
        let definition = ProviderDefinition::oauth2();
        for (status, code, refusal) in [
            (400, "authorization_pending", PollRefusal::Pending),
            (403, "authorization_pending", PollRefusal::Pending),
            (400, "slow_down", PollRefusal::SlowDown),
            (429, "slow_down", PollRefusal::SlowDown),
            (400, "access_denied", PollRefusal::Denied),
            (400, "expired_token", PollRefusal::Expired),
            (400, "invalid_grant", PollRefusal::Other),
            (500, "authorization_pending", PollRefusal::Other),
        ] {
            let response = answer(status, format!(r#"{{"error":"{code}"}}"#));
            let broker_core::ports::TokenOutcome::Failed(failure) = definition.read(&response) else {
                panic!("{code}")
            };
            assert_eq!(ProviderDefinition::read_poll_refusal(&failure), refusal, "{status} {code}");
        }
    }
}
