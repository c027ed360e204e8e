//! The link a user is sent to (RFC 6749 §4.1.1, RFC 7636 §4.3).

use broker_core::ports::AuthorizationRequest;
use url::Url;
use url::form_urlencoded::Serializer;

/// The link. A query that is configured already is kept.
pub(crate) fn authorization_url(endpoint: &Url, request: &AuthorizationRequest<'_>, scope: &str) -> String {
    let present = endpoint.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&"));
    let mut url = endpoint.clone();
    url.set_query(Some(&format!("{}{}", present.unwrap_or_default(), parameters(request, scope))));
    url.into()
}

fn parameters(request: &AuthorizationRequest<'_>, scope: &str) -> String {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", request.client_id)
        .append_pair("redirect_uri", request.redirect_uri);
    if !scope.is_empty() {
        query.append_pair("scope", scope);
    }
    query
        .append_pair("state", request.state.expose())
        .append_pair("code_challenge", request.code_challenge)
        .append_pair("code_challenge_method", "S256");
    if let Some(hint) = request.login_hint {
        query.append_pair("login_hint", hint);
    }
    // A literal plus is `%2B` by now; `%20` is read as a space by every server, `+` by most.
    query.finish().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use broker_crypto::AuthorizationState;

    use super::*;

    fn link(endpoint: &str, scope: &str, login_hint: Option<&str>) -> String {
        let request = AuthorizationRequest {
            client_id: "ev_1",
            redirect_uri: "http://127.0.0.1:3333/cb?x=1",
            scopes: &[],
            state: &AuthorizationState::new("s-1"),
            code_challenge: "E9Melhoa",
            login_hint,
        };
        authorization_url(&endpoint.parse().unwrap(), &request, scope)
    }

    #[test]
    fn the_link_is_exact() {
        let common =
            "response_type=code&client_id=ev_1&redirect_uri=http%3A%2F%2F127.0.0.1%3A3333%2Fcb%3Fx%3D1";
        let pkce = "state=s-1&code_challenge=E9Melhoa&code_challenge_method=S256";
        assert_eq!(
            link("https://media.evercam.io/oauth/authorize", "a:b c:d", None),
            format!("https://media.evercam.io/oauth/authorize?{common}&scope=a%3Ab%20c%3Ad&{pkce}")
        );
        assert_eq!(
            link("https://a.example.com/x?tenant=1", "", Some("ada+1@example.com")),
            format!("https://a.example.com/x?tenant=1&{common}&{pkce}&login_hint=ada%2B1%40example.com")
        );
    }
}
