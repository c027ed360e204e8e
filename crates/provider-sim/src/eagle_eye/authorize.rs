//! The authorization endpoint (RFC 6749 section 4.1.1), with Spring's order of checks.

use hyper::{Method, StatusCode};

use super::error::{AUTHORIZE_ERRORS, PKCE_ERRORS};
use super::{AUTHORIZE, EagleEye, NAME};
use crate::client::{ClientConfig, GrantType};
use crate::consent_page::{APPROVE, ConsentPage, DECISION, DENY, USER, error_page};
use crate::message::{Reply, Request};
use crate::params::{Params, append_query, scopes};
use crate::provider::Answer;
use crate::realm::{Consent, Trace};

pub(super) const KNOWN_SCOPES: [&str; 4] = ["vms.all", "openid", "profile", "email"];
const SINGLE: [&str; 7] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

/// A request whose client and redirect URI are known: errors may go there.
struct Known<'a> {
    client: ClientConfig,
    redirect_uri: &'a str,
    state: Option<&'a str>,
}

impl EagleEye {
    pub(super) fn authorize(&self, request: &Request) -> Answer {
        if request.method != Method::GET && request.method != Method::POST {
            return Answer::unchanged(Reply::empty(StatusCode::METHOD_NOT_ALLOWED));
        }
        let params = request.query_params().chain(request.form_params());
        self.decide(request, &params).into()
    }

    fn decide(&self, request: &Request, params: &Params) -> Result<Answer, Reply> {
        let known = self.identify(params)?;
        let scope = known.check(params)?;
        let decision = params.get(DECISION).filter(|_| request.method == Method::POST);
        match decision {
            Some(APPROVE) => self.approve(&known, scope, params),
            Some(DENY) => Err(known.refuse("access_denied", "client_id", AUTHORIZE_ERRORS)),
            _ => Ok(Answer::unchanged(self.page(&known, scope, params))),
        }
    }

    /// Client and redirect URI; without both there is no redirect.
    fn identify<'a>(&self, params: &'a Params) -> Result<Known<'a>, Reply> {
        if SINGLE.iter().any(|name| params.once(name).is_err()) {
            return Err(page(StatusCode::BAD_REQUEST, "A parameter was sent more than once."));
        }
        match params.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(page(StatusCode::BAD_REQUEST, "unsupported_response_type")),
            None => return Err(page(StatusCode::BAD_REQUEST, "OAuth 2.0 Parameter: response_type")),
        }
        let client = params.get("client_id").and_then(|id| self.realm.client(id));
        let client = client.ok_or_else(|| page(StatusCode::BAD_REQUEST, "OAuth 2.0 Parameter: client_id"))?;
        let redirect_uri =
            params.get("redirect_uri").filter(|uri| client.redirect_uris.iter().any(|own| own == uri));
        let redirect_uri =
            redirect_uri.ok_or_else(|| page(StatusCode::BAD_REQUEST, "OAuth 2.0 Parameter: redirect_uri"))?;
        Ok(Known { client, redirect_uri, state: params.get("state") })
    }

    fn approve(&self, known: &Known<'_>, scope: &str, params: &Params) -> Result<Answer, Reply> {
        let user = params.get(USER).and_then(|id| self.user(id));
        let user = user.ok_or_else(|| page(StatusCode::BAD_REQUEST, "No such user."))?;
        let consent = Consent {
            client_id: &known.client.client_id,
            redirect_uri: known.redirect_uri,
            user: &user.id,
            scope,
            challenge: params.get("code_challenge"),
        };
        let code = self.realm.issue_code(&consent, self.config.code_ttl);
        let code =
            code.map_err(|_| page(StatusCode::INTERNAL_SERVER_ERROR, "The state file cannot be written."))?;
        Ok(Answer::done(known.redirect(&[("code", &code)]), Trace::default()))
    }

    fn page(&self, known: &Known<'_>, scope: &str, params: &Params) -> Reply {
        let request = params.clone().without(|name| name == USER || name == DECISION);
        let label = |user: &super::EagleEyeUser| format!("{} {}", user.first_name, user.last_name);
        let page = ConsentPage {
            provider: NAME,
            action: AUTHORIZE,
            client_id: &known.client.client_id,
            scope,
            users: self.config.users.iter().map(|user| (user.id.as_str(), label(user))).collect(),
            request: &request,
        };
        Reply::html(StatusCode::OK, page.render())
    }
}

impl Known<'_> {
    /// The checks whose failure goes to the redirect URI. Answers the scope.
    fn check<'a>(&self, params: &'a Params) -> Result<&'a str, Reply> {
        if !self.client.may_use(GrantType::AuthorizationCode) {
            return Err(self.refuse("unauthorized_client", "client_id", AUTHORIZE_ERRORS));
        }
        let scope = params.get("scope").filter(|scope| self.may_ask_for(scope));
        let scope = scope.ok_or_else(|| self.refuse("invalid_scope", "scope", AUTHORIZE_ERRORS))?;
        match (params.get("code_challenge"), params.get("code_challenge_method")) {
            (Some(_), Some("S256")) => Ok(scope),
            (Some(_), _) => Err(self.refuse("invalid_request", "code_challenge_method", PKCE_ERRORS)),
            (None, _) if self.client.is_public() => {
                Err(self.refuse("invalid_request", "code_challenge", PKCE_ERRORS))
            }
            (None, _) => Ok(scope),
        }
    }

    fn may_ask_for(&self, scope: &str) -> bool {
        scopes(scope).next().is_some()
            && scopes(scope).all(|item| KNOWN_SCOPES.contains(&item))
            && self.client.may_have(scope)
    }

    fn refuse(&self, code: &str, parameter: &str, error_uri: &str) -> Reply {
        let description = format!("OAuth 2.0 Parameter: {parameter}");
        let params = [("error", code), ("error_description", &description), ("error_uri", error_uri)];
        self.redirect(&params).error(code)
    }

    fn redirect(&self, params: &[(&str, &str)]) -> Reply {
        let state = self.state.map(|state| ("state", state));
        let params: Vec<_> = params.iter().copied().chain(state).collect();
        Reply::redirect(&append_query(self.redirect_uri, &params))
    }
}

fn page(status: StatusCode, reason: &str) -> Reply {
    Reply::html(status, error_page(NAME, reason))
}
