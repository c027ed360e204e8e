//! Reading an answer of a token endpoint (RFC 6749 §5.1, §5.2).

use broker_core::ports::{RawResponse, TokenOutcome};
use broker_core::{GrantWindow, ProviderFailure, TokenResponse};
use broker_crypto::{AccessToken, RefreshToken};
use serde_json::value::RawValue;

use crate::ProviderDefinition;
use crate::base_url::capture;
use crate::classify::{Refusal, classify};
use crate::lifetime::{lifetime, remaining};
use crate::members::Members;
use crate::retry_after::retry_after;

const BEARER: &str = "Bearer";

impl ProviderDefinition {
    pub(crate) fn read(&self, response: &RawResponse) -> TokenOutcome {
        let members = Members::parse(response.body.expose());
        let refused = members.as_ref().is_some_and(|members| self.is_refusal(members));
        let access_token = match response.status {
            200..=299 => members.as_ref().and_then(access_token),
            _ => None,
        };
        match (members, access_token) {
            (Some(members), Some(token)) if !refused => TokenOutcome::Granted(self.tokens(&members, token)),
            (members, token) => {
                TokenOutcome::Failed(self.failure(response, members.as_ref(), token.is_some()))
            }
        }
    }

    /// Some providers refuse with 200: GitHub with `error`, Slack with `"ok":false`.
    pub(crate) fn is_refusal(&self, members: &Members<'_>) -> bool {
        members.says("error") || members.get("ok").is_some_and(|ok| ok.get() == "false")
    }

    fn tokens(&self, members: &Members<'_>, access_token: AccessToken) -> TokenResponse {
        let span = |name| members.get(name).and_then(lifetime);
        let base_url = self.wire.base_url_member.as_deref().filter(|name| members.says(name));
        TokenResponse {
            access_token,
            refresh_token: members.text("refresh_token").filter(|t| !t.is_empty()).map(RefreshToken::new),
            token_type: token_type(members),
            expires_in: members.get("expires_in").and_then(remaining),
            scopes: members.get("scope").and_then(|scope| self.scopes(scope)),
            api_base_url: base_url.and_then(|name| capture(members.get(name)?, &self.endpoints.api_hosts)),
            window: GrantWindow {
                // The vendors' own name says how long this refresh token lives, used or not: its idle life.
                refresh_token_timeout: ["refresh_token_timeout", "refresh_token_expires_in"]
                    .into_iter()
                    .filter_map(span)
                    .min(),
                authorization_expires_in: span("authorization_expires_in"),
            },
        }
    }

    /// A string or an array of strings; `None` if it names none.
    fn scopes(&self, scope: &RawValue) -> Option<Vec<String>> {
        let listed: Vec<String> = match serde_json::from_str::<String>(scope.get()) {
            Ok(text) => vec![text],
            Err(_) => serde_json::from_str(scope.get()).ok()?,
        };
        let separator = |c: char| c.is_whitespace() || c == self.wire.scope_separator;
        let split = listed.iter().flat_map(|text| text.split(separator));
        let scopes: Vec<String> = split.filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        (!scopes.is_empty()).then_some(scopes)
    }

    pub(crate) fn failure(
        &self,
        response: &RawResponse,
        members: Option<&Members<'_>>,
        with_tokens: bool,
    ) -> ProviderFailure {
        let code = members.and_then(|members| self.error_code(members));
        let refusal = Refusal { status: response.status, code: code.as_deref(), with_tokens };
        ProviderFailure {
            kind: classify(refusal, &self.wire),
            oauth_error: code.filter(|code| is_code(code)),
            http_status: Some(response.status),
            retry_after: response
                .retry_after
                .as_deref()
                .and_then(|header| retry_after(header, response.received_at)),
        }
    }

    /// `error`; or `status`, where it is a code the profile knows (HubSpot).
    fn error_code(&self, members: &Members<'_>) -> Option<String> {
        let known = |status: &String| {
            let mut codes = self.wire.dead_token_codes.iter().chain(&self.wire.client_rejected_codes);
            codes.any(|code| code.eq_ignore_ascii_case(status))
        };
        let error = members.text("error").filter(|code| !code.is_empty());
        error.or_else(|| members.text("status").filter(known))
    }
}

/// A token that can be put in a header: printable ASCII (RFC 6749 appendix A.12), and not blank.
pub(crate) fn is_usable(token: &AccessToken) -> bool {
    let printable = token.expose().bytes().all(|b| matches!(b, b' '..=b'~'));
    printable && !token.expose().trim().is_empty()
}

fn access_token(members: &Members<'_>) -> Option<AccessToken> {
    members.text("access_token").map(AccessToken::new).filter(is_usable)
}

/// Compared without case (RFC 6749 §5.1) and written the usual way, since some resource servers compare exactly.
fn token_type(members: &Members<'_>) -> String {
    let named = members.text("token_type").filter(|name| is_type_name(name));
    named.filter(|name| !name.eq_ignore_ascii_case(BEARER)).unwrap_or_else(|| BEARER.to_owned())
}

/// Short words in one case: what is kept and logged must not be whatever a provider echoes. A token has digits or
/// both cases.
fn is_code(text: &str) -> bool {
    let of = |case: fn(&u8) -> bool| text.bytes().all(|b| case(&b) || b"_-.".contains(&b));
    (1..=48).contains(&text.len()) && (of(u8::is_ascii_lowercase) || of(u8::is_ascii_uppercase))
}

/// A registered name or a short private one (RFC 6749 §A.13): it goes into a header.
fn is_type_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
