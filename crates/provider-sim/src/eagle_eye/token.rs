//! The token endpoint: code exchange and refresh.

use hyper::StatusCode;
use serde::Serialize;

use super::{EagleEye, HttpsBaseUrl, error};
use crate::client::{ClientConfig, GrantType};
use crate::message::{Reply, Request};
use crate::params::{Params, scopes};
use crate::provider::Answer;
use crate::realm::{Granted, Redemption, Refresh, Refusal};

/// The successful answer (RFC 6749 section 5.1) with the provider's own member.
#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    scope: &'a str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(rename = "httpsBaseUrl", skip_serializing_if = "Option::is_none")]
    https_base_url: Option<&'a HttpsBaseUrl>,
}

impl EagleEye {
    pub(super) fn token(&self, request: &Request) -> Answer {
        let params = self.body_params(request);
        let granted = self.authenticate(request, &params).and_then(|client| self.grant(&client, &params));
        granted.map(|granted| self.success(&granted)).into()
    }

    fn grant(&self, client: &ClientConfig, params: &Params) -> Result<Granted, Reply> {
        match required(params, "grant_type")? {
            "authorization_code" => self.exchange(client, params),
            "refresh_token" => self.refreshed(client, params),
            "client_credentials" => self.client_alone(client, params),
            _ => Err(error::parameter("unsupported_grant_type", "grant_type")),
        }
    }

    fn exchange(&self, client: &ClientConfig, params: &Params) -> Result<Granted, Reply> {
        let code = required(params, "code")?;
        let redirect_uri = single(params, "redirect_uri")?;
        let verifier = single(params, "code_verifier")?;
        enabled(client, GrantType::AuthorizationCode)?;
        self.check_known_scopes(client, params)?;
        let with_refresh = !client.is_public() && client.may_use(GrantType::RefreshToken);
        let redemption = Redemption { client, code, redirect_uri, verifier, with_refresh };
        self.realm.redeem(self, &redemption).map_err(|refusal| self.refuse(&refusal))
    }

    fn refreshed(&self, client: &ClientConfig, params: &Params) -> Result<Granted, Reply> {
        let token = required(params, "refresh_token")?;
        let scope = single(params, "scope")?;
        enabled(client, GrantType::RefreshToken)?;
        let refresh = Refresh { client, token, scope };
        self.realm.refresh(self, &refresh).map_err(|refusal| self.refuse(&refusal))
    }

    /// A client that asks for no scope gets none: Spring grants what is asked for.
    fn client_alone(&self, client: &ClientConfig, params: &Params) -> Result<Granted, Reply> {
        let scope = single(params, "scope")?.unwrap_or_default();
        enabled(client, GrantType::ClientCredentials)?;
        let issued = self.realm.issue_to_client(self, client, scope);
        issued.map_err(|refusal| match refusal {
            Refusal::ClientLacksScope => error::code(StatusCode::BAD_REQUEST, "invalid_scope"),
            refusal => self.refuse(&refusal),
        })
    }

    /// The scope of a code exchange is ignored, unless it names a scope of the platform that the client lacks.
    fn check_known_scopes(&self, client: &ClientConfig, params: &Params) -> Result<(), Reply> {
        let asked = params.get("scope").unwrap_or_default();
        let lacking = |item: &str| super::authorize::KNOWN_SCOPES.contains(&item) && !client.may_have(item);
        if scopes(asked).any(lacking) { Err(self.refuse(&Refusal::ClientLacksScope)) } else { Ok(()) }
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        error::refusal(refusal, self.config.doc_status)
    }

    fn success(&self, granted: &Granted) -> Answer {
        let response = TokenResponse {
            access_token: &granted.access_token,
            refresh_token: granted.refresh_token.as_deref(),
            scope: &granted.scope,
            token_type: "Bearer",
            expires_in: granted.expires_at.saturating_sub(self.realm.now()) / 1_000,
            https_base_url: self.config.base_url_in_token_response.then_some(&self.config.https_base_url),
        };
        Answer::done(error::send(StatusCode::OK, &response), granted.trace)
    }
}

fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, Reply> {
    single(params, name)?.ok_or_else(|| error::parameter("invalid_request", name))
}

fn single<'a>(params: &'a Params, name: &str) -> Result<Option<&'a str>, Reply> {
    params.once(name).map_err(|_| error::parameter("invalid_request", name))
}

fn enabled(client: &ClientConfig, grant_type: GrantType) -> Result<(), Reply> {
    let allowed = client.may_use(grant_type);
    allowed.then_some(()).ok_or_else(|| error::code(StatusCode::BAD_REQUEST, "unauthorized_client"))
}
