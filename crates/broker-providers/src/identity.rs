//! Whose account an access token is of: asked of the provider, and read as carefully as a token response.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use broker_core::UpstreamAccount;
use broker_core::ports::{Identified, IdentityRequest, SendGate, SendRefused};
use broker_crypto::AccessToken;
use broker_egress::FetchError;
use url::Url;
use zeroize::Zeroizing;

use crate::client::OAuthClient;
use crate::members::Members;
use crate::validate::called_url;

/// Longer names of accounts are not believed.
const LONGEST: usize = 512;

/// Nothing is lost by asking: no state has to be made durable first.
struct OpenGate;

#[async_trait]
impl SendGate for OpenGate {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        Ok(())
    }
}

impl OAuthClient {
    pub(crate) async fn ask_resource(
        &self,
        request: &IdentityRequest<'_>,
        path: &str,
        members: &[String],
    ) -> Identified {
        // A simulator names host and port only, which is read as https, and speaks plain http.
        let base_url = self.definition().endpoints.base_url.as_deref();
        let plain = base_url.filter(|base_url| base_url.starts_with("http://"));
        let prefix = plain.or(request.api_base_url).or(base_url);
        let Some(url) = prefix.and_then(|prefix| below(prefix, path)) else { return Identified::Unknown };
        let bearer = Zeroizing::new(format!("Bearer {}", request.access_token.expose()));
        match self.egress.fetch(&url, Some(bearer)).await {
            Ok(body) => read(&body, members),
            Err(FetchError::Status(status)) => of_status(status),
            Err(FetchError::NoAnswer(cause)) => Identified::Unavailable(cause.to_string()),
        }
    }

    pub(crate) async fn introspect(&self, request: IdentityRequest<'_>, claim: Option<&str>) -> Identified {
        let token = request.access_token;
        let asked = match &self.introspect_url {
            Some(url) => {
                let encoded = self.definition().encode_introspection(&request);
                match self.post(self.one_shot(url, encoded, Arc::new(OpenGate))).await {
                    Ok(answer) if answer.status == 200 => read(answer.body.expose(), &["sub".to_owned()]),
                    Ok(answer) => of_status(answer.status),
                    Err(error) => Identified::Unavailable(error.to_string()),
                }
            }
            None => Identified::Unknown,
        };
        match (asked, claim) {
            (Identified::Unknown, Some(claim)) => claimed(token, claim),
            (asked, _) => asked,
        }
    }
}

fn below(prefix: &str, path: &str) -> Option<Url> {
    called_url(&format!("{}/{path}", prefix.trim_end_matches('/'))).ok()
}

/// What is refused now is refused again; what is throttled or broken may be answered later.
fn of_status(status: u16) -> Identified {
    match status {
        408 | 429 | 500.. => Identified::Unavailable(format!("answered with status {status}")),
        _ => Identified::Unknown,
    }
}

/// The named members, joined. Each is a string or a whole number.
fn read(body: &[u8], members: &[String]) -> Identified {
    let named =
        |json: &Members<'_>| members.iter().map(|member| text_of(json, member)).collect::<Option<Vec<_>>>();
    match Members::parse(body).as_ref().and_then(named) {
        Some(parts) => Identified::Account(UpstreamAccount::new(parts.join("/"))),
        None => Identified::Unknown,
    }
}

fn text_of(json: &Members<'_>, member: &str) -> Option<String> {
    let number = || json.get(member)?.get().parse::<u64>().ok().map(|number| number.to_string());
    let text = json.text(member).or_else(number)?;
    (1..=LONGEST).contains(&text.len()).then_some(text)
}

/// A claim of a token that looks like a JWT.
fn claimed(token: &AccessToken, claim: &str) -> Identified {
    let payload = token.expose().split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    match payload.map(Zeroizing::new) {
        Some(payload) => read(&payload, &[claim.to_owned()]),
        None => Identified::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(identified: &Identified) -> Option<&str> {
        match identified {
            Identified::Account(account) => Some(account.expose()),
            Identified::Unknown | Identified::Unavailable(_) => None,
        }
    }

    #[test]
    fn an_account_is_named_by_every_member_or_not_at_all() {
        let members = ["accountId".to_owned(), "id".to_owned()];
        let cases = [
            (r#"{"id":"u1","accountId":"00000001"}"#, Some("00000001/u1")),
            (r#"{"id":7,"accountId":"a"}"#, Some("a/7")),
            (r#"{"id":"u1"}"#, None),
            (r#"{"id":"","accountId":"a"}"#, None),
            (r#"{"id":null,"accountId":"a"}"#, None),
            (r#"{"id":1.5,"accountId":"a"}"#, None),
            ("<html>", None),
        ];
        for (body, expected) in cases {
            assert_eq!(account(&read(body.as_bytes(), &members)), expected, "{body}");
        }
    }

    #[test]
    fn a_claim_is_read_from_what_looks_like_a_jwt() {
        let token = format!("h.{}.s", URL_SAFE_NO_PAD.encode(r#"{"sub":"alice"}"#));
        assert_eq!(account(&claimed(&AccessToken::new(token), "sub")), Some("alice"));
        for opaque in ["opaque", "a.b.c", ""] {
            assert!(matches!(claimed(&AccessToken::new(opaque), "sub"), Identified::Unknown), "{opaque}");
        }
    }

    #[test]
    fn only_what_may_pass_is_asked_again() {
        for status in [408, 429, 500, 502, 503] {
            assert!(matches!(of_status(status), Identified::Unavailable(_)), "{status}");
        }
        for status in [204, 302, 400, 401, 403, 404] {
            assert!(matches!(of_status(status), Identified::Unknown), "{status}");
        }
    }
}
