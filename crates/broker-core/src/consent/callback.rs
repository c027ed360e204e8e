//! Reading a callback URL (RFC 6749 §4.1.2).

use broker_crypto::{AuthorizationCode, AuthorizationState};
use url::{Url, form_urlencoded};

use crate::FieldViolation;

/// What the provider sent the browser back with, and where.
#[derive(Debug)]
pub(super) struct Callback {
    /// The URI it came to, without query and fragment.
    pub(super) redirect_uri: Url,
    pub(super) parameters: CallbackParameters,
}

/// The parameters of a callback.
#[derive(Debug)]
pub(super) struct CallbackParameters {
    pub(super) state: AuthorizationState,
    /// Who it says it comes from (RFC 9207 §2).
    pub(super) issuer: Option<String>,
    pub(super) answer: CallbackAnswer,
}

/// The provider's answer.
#[derive(Debug)]
pub(super) enum CallbackAnswer {
    Code(AuthorizationCode),
    /// An error code (RFC 6749 §4.1.2.1), `access_denied` if the user refused.
    Error(String),
}

impl CallbackParameters {
    /// Reads a query. Each parameter must stand there once (RFC 6749 §3.1); the text is never quoted back.
    pub(super) fn read(query: &str) -> Result<Self, String> {
        let once = |name: &str| {
            let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            let mut values = pairs.map(|(_, value)| value.into_owned());
            match (values.next(), values.next()) {
                (Some(value), None) if !value.is_empty() => Ok(Some(value)),
                (None, _) => Ok(None),
                _ => Err(format!("must carry `{name}` once and not empty")),
            }
        };
        let state = once("state")?.ok_or("carries no `state`")?;
        let answer = match (once("code")?, once("error")?) {
            (Some(code), None) => CallbackAnswer::Code(AuthorizationCode::new(code)),
            (None, Some(error)) => CallbackAnswer::Error(error),
            _ => return Err("must carry either `code` or `error`".to_owned()),
        };
        Ok(Self { state: AuthorizationState::new(state), issuer: once("iss")?, answer })
    }
}

impl Callback {
    /// Reads the URL.
    pub(super) fn parse(text: &str) -> Result<Self, FieldViolation> {
        let wrong = |problem: &str| FieldViolation::new("callback_url", problem);
        let url = Url::parse(text).map_err(|_| wrong("is not an absolute URL"))?;
        let parameters = CallbackParameters::read(url.query().unwrap_or_default());
        let parameters = parameters.map_err(|problem| wrong(&problem))?;
        Ok(Self { redirect_uri: bare(url), parameters })
    }

    /// Whether it came to the URI that was asked for.
    pub(super) fn came_to(&self, redirect_uri: &str) -> bool {
        Url::parse(redirect_uri).is_ok_and(|asked| bare(asked) == self.redirect_uri)
    }
}

fn bare(mut url: Url) -> Url {
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_code_and_error() {
        let callback = Callback::parse("https://app.example/cb?code=c%2B1&state=s").unwrap();
        assert!(matches!(&callback.parameters.answer, CallbackAnswer::Code(code) if code.expose() == "c+1"));
        assert!(callback.came_to("https://app.example/cb"));
        assert!(!callback.came_to("https://app.example/other"));
        assert!(!callback.came_to("https://evil.example/cb"));
        let denied = Callback::parse("https://app.example/cb?error=access_denied&state=s").unwrap();
        assert!(matches!(denied.parameters.answer, CallbackAnswer::Error(error) if error == "access_denied"));
    }

    #[test]
    fn a_root_redirect_uri_matches_with_and_without_its_slash() {
        // A browser turns `http://127.0.0.1:3333?code=…` into `http://127.0.0.1:3333/?code=…`.
        let callback = Callback::parse("http://127.0.0.1:3333/?code=c&state=s").unwrap();
        assert!(callback.came_to("http://127.0.0.1:3333"));
    }

    #[test]
    fn refuses_what_is_ambiguous_without_quoting_it() {
        for text in [
            "not a url",
            "https://app.example/cb",
            "https://app.example/cb?code=SECRET",
            "https://app.example/cb?state=s",
            "https://app.example/cb?code=SECRET&code=SECRET&state=s",
            "https://app.example/cb?code=SECRET&state=s&state=t",
            "https://app.example/cb?code=SECRET&error=e&state=s",
            "https://app.example/cb?code=&state=s",
            "https://app.example/cb?code=SECRET&state=s&iss=https://a.example&iss=https://b.example",
            "https://app.example/cb?code=SECRET&state=s&iss=",
        ] {
            let violation = Callback::parse(text).unwrap_err();
            assert_eq!(violation.field, "callback_url");
            assert!(!violation.problem.contains("SECRET"), "{violation:?}");
        }
    }
}
