//! What a token request says (RFC 6749 §4.1.3, §6).

use broker_core::ports::{
    ClientCredentials, IdentityRequest, Presentation, RevocationRequest, RevokedToken, TokenRequest,
};
use zeroize::Zeroizing;

use crate::encode::{self, Parameter};
use crate::{ClientAuthentication, ProviderDefinition};

/// The parts of a token request that hold secrets.
pub(crate) struct EncodedRequest {
    pub(crate) authorization: Option<Zeroizing<String>>,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl ProviderDefinition {
    pub(crate) fn encode(&self, request: &TokenRequest) -> EncodedRequest {
        // A client's own token has the scopes that are named, and no others were granted before (RFC 6749 §4.4.2).
        let alone = matches!(request.presentation, Presentation::ClientCredentials);
        let scope = match self.wire.send_scope || alone {
            true => self.scope_text(&request.scopes),
            false => String::new(),
        };
        let mut parameters = vec![("grant_type", grant_type(&request.presentation))];
        let bare = self.wire.device_flow_without_secret
            && matches!(request.presentation, Presentation::DeviceCode(_));
        let authorization = match bare {
            true => {
                parameters.push(("client_id", request.client.client_id.as_str()));
                None
            }
            false => self.authenticate(&request.client, &mut parameters),
        };
        present(&request.presentation, &scope, &mut parameters);
        EncodedRequest { authorization, body: encode::body(self.wire.body_format, &parameters) }
    }

    /// A revocation request (RFC 7009 §2.1), written as this provider's token requests are.
    pub(crate) fn encode_revocation(&self, request: &RevocationRequest) -> EncodedRequest {
        let (token, hint) = match &request.token {
            RevokedToken::Refresh(token) => (token.expose(), "refresh_token"),
            RevokedToken::Access(token) => (token.expose(), "access_token"),
        };
        let mut parameters = vec![("token", token)];
        // The hint only speeds things up, and a server that reads strictly refuses what it does not know.
        if self.wire.send_token_type_hint {
            parameters.push(("token_type_hint", hint));
        }
        let authorization = self.authenticate(&request.client, &mut parameters);
        EncodedRequest { authorization, body: encode::body(self.wire.body_format, &parameters) }
    }

    /// An introspection request (RFC 7662 §2.1), written as this provider's token requests are.
    pub(crate) fn encode_introspection(&self, request: &IdentityRequest<'_>) -> EncodedRequest {
        let mut parameters = vec![("token", request.access_token.expose())];
        let authorization = self.authenticate(&request.client, &mut parameters);
        EncodedRequest { authorization, body: encode::body(self.wire.body_format, &parameters) }
    }

    /// Puts the secret in the header or in the body, never in both (RFC 6749 §2.3).
    pub(crate) fn authenticate<'a>(
        &self,
        client: &'a ClientCredentials,
        parameters: &mut Vec<Parameter<'a>>,
    ) -> Option<Zeroizing<String>> {
        let secret = client.client_secret.as_ref().map(|secret| secret.expose());
        match (secret, self.wire.client_authentication) {
            (Some(secret), ClientAuthentication::Basic) => {
                return Some(encode::basic(&client.client_id, secret));
            }
            (Some(secret), ClientAuthentication::Post) => {
                parameters.extend([("client_id", client.client_id.as_str()), ("client_secret", secret)]);
            }
            (None, _) => parameters.push(("client_id", &client.client_id)),
        }
        None
    }

    /// The scopes every request must ask for, then the others.
    pub(crate) fn scope_text(&self, scopes: &[String]) -> String {
        let always = &self.profile.default_scopes;
        let others = scopes.iter().filter(|scope| !always.contains(scope));
        let all: Vec<&str> = always.iter().chain(others).map(String::as_str).collect();
        all.join(self.wire.scope_separator.encode_utf8(&mut [0; 4]))
    }
}

fn grant_type(presentation: &Presentation) -> &'static str {
    match presentation {
        Presentation::AuthorizationCode { .. } => "authorization_code",
        Presentation::RefreshToken(_) => "refresh_token",
        Presentation::DeviceCode(_) => "urn:ietf:params:oauth:grant-type:device_code",
        Presentation::ClientCredentials => "client_credentials",
    }
}

fn present<'a>(presentation: &'a Presentation, scope: &'a str, parameters: &mut Vec<Parameter<'a>>) {
    let scope = (!scope.is_empty()).then_some(("scope", scope));
    match presentation {
        Presentation::AuthorizationCode { code, redirect_uri, verifier } => {
            parameters.extend([("code", code.expose()), ("redirect_uri", redirect_uri.as_str())]);
            parameters.extend(scope);
            parameters.push(("code_verifier", verifier.expose()));
        }
        Presentation::RefreshToken(token) => {
            parameters.push(("refresh_token", token.expose()));
            parameters.extend(scope);
        }
        Presentation::DeviceCode(code) => parameters.push(("device_code", code.expose())),
        Presentation::ClientCredentials => parameters.extend(scope),
    }
}

#[cfg(test)]
mod tests {
    use broker_core::ports::{Presentation, TokenRequest};
    use broker_crypto::{AuthorizationCode, ClientSecret, CodeVerifier, RefreshToken};

    use super::*;
    use crate::{BodyFormat, Overrides};

    fn request(presentation: Presentation, secret: Option<&str>, scopes: &[&str]) -> TokenRequest {
        let client_secret = secret.map(ClientSecret::new);
        TokenRequest {
            client: ClientCredentials { client_id: "ev_1".to_owned(), client_secret },
            presentation,
            scopes: scopes.iter().map(ToString::to_string).collect(),
        }
    }

    fn code() -> Presentation {
        Presentation::AuthorizationCode {
            code: AuthorizationCode::new("c/1"),
            redirect_uri: "https://app.example.com/cb".to_owned(),
            verifier: CodeVerifier::new("v-1"),
        }
    }

    fn refresh() -> Presentation {
        Presentation::RefreshToken(RefreshToken::new("r+1"))
    }

    fn sent(definition: &ProviderDefinition, request: &TokenRequest) -> (Option<String>, String) {
        let encoded = definition.encode(request);
        let body = String::from_utf8(encoded.body.to_vec()).unwrap();
        (encoded.authorization.map(|header| header.to_string()), body)
    }

    #[test]
    fn evercam_sends_json_with_the_credentials_in_it() {
        let evercam = ProviderDefinition::evercam();
        let exchange = r#"{"grant_type":"authorization_code","client_id":"ev_1","client_secret":"evs_2","code":"c/1","redirect_uri":"https://app.example.com/cb","code_verifier":"v-1"}"#;
        let scopes = ["cameras:read"];
        assert_eq!(sent(&evercam, &request(code(), Some("evs_2"), &scopes)), (None, exchange.to_owned()));

        let refreshed = r#"{"grant_type":"refresh_token","client_id":"ev_1","client_secret":"evs_2","refresh_token":"r+1"}"#;
        assert_eq!(sent(&evercam, &request(refresh(), Some("evs_2"), &scopes)), (None, refreshed.to_owned()));

        let public = r#"{"grant_type":"refresh_token","client_id":"ev_1","refresh_token":"r+1"}"#;
        assert_eq!(sent(&evercam, &request(refresh(), None, &scopes)), (None, public.to_owned()));
    }

    #[test]
    fn eagle_eye_sends_a_form_and_basic() {
        let eagle_eye = ProviderDefinition::eagle_eye();
        let basic = Some("Basic ZXZfMTpzJTJCMg==".to_owned()); // base64("ev_1:s%2B2")
        let exchange = "grant_type=authorization_code&code=c%2F1&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&scope=vms.all&code_verifier=v-1";
        for scopes in [&["vms.all"] as &[_], &[]] {
            let request = request(code(), Some("s+2"), scopes);
            assert_eq!(sent(&eagle_eye, &request), (basic.clone(), exchange.to_owned()));
        }
        let refreshed = "grant_type=refresh_token&refresh_token=r%2B1&scope=vms.all";
        assert_eq!(sent(&eagle_eye, &request(refresh(), Some("s+2"), &[])), (basic, refreshed.to_owned()));

        let public = "grant_type=refresh_token&client_id=ev_1&refresh_token=r%2B1&scope=vms.all";
        assert_eq!(sent(&eagle_eye, &request(refresh(), None, &[])), (None, public.to_owned()));
    }

    #[test]
    fn a_client_asks_for_its_own_token_by_name_and_scope() {
        let eagle_eye = ProviderDefinition::eagle_eye();
        let basic = Some("Basic ZXZfMTpz".to_owned()); // base64("ev_1:s")
        let alone = || request(Presentation::ClientCredentials, Some("s"), &["vms.all"]);
        let body = "grant_type=client_credentials&scope=vms.all";
        assert_eq!(sent(&eagle_eye, &alone()), (basic.clone(), body.to_owned()));
        // Named although this one wants no scope at a refresh.
        assert_eq!(sent(&ProviderDefinition::oauth2(), &alone()), (basic.clone(), body.to_owned()));
        let bare = request(Presentation::ClientCredentials, Some("s"), &[]);
        assert_eq!(
            sent(&ProviderDefinition::oauth2(), &bare),
            (basic, "grant_type=client_credentials".to_owned())
        );
    }

    #[test]
    fn oauth2_can_be_configured() {
        let changes = Overrides {
            client_authentication: Some(ClientAuthentication::Post),
            body_format: Some(BodyFormat::Form),
            send_scope: Some(true),
            scope_separator: Some(','),
            ..Overrides::default()
        };
        let definition = ProviderDefinition::oauth2().overridden(changes);
        let body = "grant_type=refresh_token&client_id=ev_1&client_secret=s&refresh_token=r%2B1&scope=a%2Cb";
        assert_eq!(sent(&definition, &request(refresh(), Some("s"), &["a", "b"])), (None, body.to_owned()));
    }
}
