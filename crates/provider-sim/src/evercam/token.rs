//! The token endpoint: code exchange and refresh.

use hyper::StatusCode;
use hyper::header::CACHE_CONTROL;
use serde::Serialize;

use super::Evercam;
use super::device::DEVICE_GRANT;
use crate::client::{ClientConfig, GrantType};
use crate::message::{Reply, Request};
use crate::params::Params;
use crate::provider::Answer;
use crate::realm::{Granted, Redemption, Refresh};

/// The successful answer (RFC 6749 section 5.1). The documented one has no `scope`.
#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

impl Evercam {
    pub(super) fn token(&self, request: &Request) -> Answer {
        let granted = self.body_params(request).and_then(|params| self.grant(&params));
        granted.map(|granted| self.success(&granted)).into()
    }

    fn grant(&self, params: &Params) -> Result<Granted, Reply> {
        match self.required(params, "grant_type")? {
            "authorization_code" => self.exchange(params),
            "refresh_token" => self.refreshed(params),
            DEVICE_GRANT => self.poll_device(params),
            _ => Err(self.error(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "The grant type is not supported.",
            )),
        }
    }

    fn exchange(&self, params: &Params) -> Result<Granted, Reply> {
        let client = self.authenticate(params)?;
        self.check_enabled(&client, GrantType::AuthorizationCode)?;
        let code = self.required(params, "code")?;
        let redirect_uri = Some(self.required(params, "redirect_uri")?);
        let verifier = self.single(params, "code_verifier")?;
        let with_refresh = client.may_use(GrantType::RefreshToken);
        let redemption = Redemption { client: &client, code, redirect_uri, verifier, with_refresh };
        self.realm.redeem(self, &redemption).map_err(|refusal| self.refusal(&refusal))
    }

    fn refreshed(&self, params: &Params) -> Result<Granted, Reply> {
        let client = self.authenticate(params)?;
        self.check_enabled(&client, GrantType::RefreshToken)?;
        let token = self.required(params, "refresh_token")?;
        let scope = self.single(params, "scope")?;
        let refresh = Refresh { client: &client, token, scope };
        self.realm.refresh(self, &refresh).map_err(|refusal| self.refusal(&refusal))
    }

    fn check_enabled(&self, client: &ClientConfig, grant_type: GrantType) -> Result<(), Reply> {
        let refused = || {
            let description = "The client may not use this grant type.";
            self.error(StatusCode::BAD_REQUEST, "unauthorized_client", description)
        };
        client.may_use(grant_type).then_some(()).ok_or_else(refused)
    }

    fn success(&self, granted: &Granted) -> Answer {
        let response = TokenResponse {
            access_token: &granted.access_token,
            refresh_token: granted.refresh_token.as_deref(),
            token_type: "Bearer",
            expires_in: granted.expires_at.saturating_sub(self.realm.now()) / 1_000,
            scope: self.config.scope_in_token_response.then_some(&granted.scope),
        };
        let reply = Reply::json(StatusCode::OK, &response).header(CACHE_CONTROL, "no-store");
        Answer::done(reply, granted.trace)
    }
}
