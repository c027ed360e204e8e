//! `POST /api/v3.0/authorizationTokens`: a reseller's user gets a token of an account of a customer.

use std::time::{Duration, UNIX_EPOCH};

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::EagleEye;
use super::api::own_error;
use crate::message::{Reply, Request};
use crate::params;
use crate::provider::Answer;
use crate::realm::Bearer;

/// Where it is.
pub(super) const PATH: &str = "/api/v3.0/authorizationTokens";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    r#type: String,
    target_type: String,
    target_id: String,
    scopes: Vec<String>,
}

impl EagleEye {
    pub(super) fn authorization_token(&self, request: &Request) -> Answer {
        self.switched(request).into()
    }

    fn switched(&self, request: &Request) -> Result<Answer, Reply> {
        let refused = |status| own_error(status, PATH);
        let bearer = request.bearer().and_then(|token| self.realm.bearer(token));
        let bearer = bearer.ok_or_else(|| refused(StatusCode::UNAUTHORIZED))?;
        let asked = read(request).ok_or_else(|| refused(StatusCode::BAD_REQUEST))?;
        self.check_reach(&bearer, &asked).map_err(refused)?;
        let granted = self.realm.derive(self, &bearer, &asked.scopes.join(" "));
        let granted = granted.map_err(|_| refused(StatusCode::INTERNAL_SERVER_ERROR))?;
        let expires = UNIX_EPOCH + Duration::from_millis(granted.expires_at);
        let mut content = json!({
            "accessToken": granted.access_token,
            "expireTimestamp": humantime::format_rfc3339_millis(expires).to_string(),
            "scopes": asked.scopes,
        });
        if self.config.base_url_in_token_response {
            content["httpsBaseUrl"] = json!(self.config.https_base_url);
        }
        Ok(Answer::done(Reply::json(StatusCode::CREATED, &content), granted.trace))
    }

    fn check_reach(&self, bearer: &Bearer, asked: &Asked) -> Result<(), StatusCode> {
        let resold = &self.config.resold_accounts;
        if !resold.iter().any(|(_, account)| *account == asked.target_id) {
            return Err(StatusCode::NOT_FOUND);
        }
        let may_act =
            resold.iter().any(|(user, account)| *user == bearer.user && *account == asked.target_id);
        let covered = asked.scopes.iter().all(|scope| params::scopes(&bearer.scope).any(|own| own == scope));
        if may_act && covered { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
    }
}

/// What is asked, if it is a switch to an account and nothing else.
fn read(request: &Request) -> Option<Asked> {
    let asked: Asked = serde_json::from_slice(&request.body).ok().filter(|_| request.is_json())?;
    let is_switch = asked.r#type == "reseller" && asked.target_type == "account" && !asked.scopes.is_empty();
    is_switch.then_some(asked)
}
