//! The authorization endpoint (RFC 6749 section 4.1.1).

use hyper::{Method, StatusCode};

use super::{AUTHORIZE, Evercam, NAME, redirect};
use crate::client::{ClientConfig, GrantType};
use crate::consent_page::{APPROVE, ConsentPage, DECISION, DENY, USER, error_page};
use crate::message::{Reply, Request};
use crate::params::{Params, append_query, scopes};
use crate::provider::Answer;
use crate::realm::{Consent, Trace};

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

impl Evercam {
    pub(super) fn authorize(&self, request: &Request) -> Answer {
        if request.method != Method::GET && request.method != Method::POST {
            return Answer::unchanged(Reply::empty(StatusCode::METHOD_NOT_ALLOWED));
        }
        let params = request.query_params().chain(request.form_params());
        self.decide(request, &params).into()
    }

    fn decide(&self, request: &Request, params: &Params) -> Result<Answer, Reply> {
        let known = self.identify(request, params)?;
        let scope = known.check(params)?;
        let decision = params.get(DECISION).filter(|_| request.method == Method::POST);
        match decision {
            Some(APPROVE) => self.approve(request, &known, scope, params),
            Some(DENY) => Err(known.refuse("access_denied")),
            _ => Ok(Answer::unchanged(self.page(&known, scope, params))),
        }
    }

    /// Client and redirect URI; without both there is no redirect.
    fn identify<'a>(&self, request: &Request, params: &'a Params) -> Result<Known<'a>, Reply> {
        let stop = |code, reason| self.stop(request, code, reason);
        if SINGLE.iter().any(|name| params.once(name).is_err()) {
            return Err(stop("invalid_request", "A parameter was sent more than once."));
        }
        let client = params.get("client_id").and_then(|id| self.realm.client(id));
        let client = client.ok_or_else(|| stop("invalid_client", "The client is unknown."))?;
        let redirect_uri =
            params.get("redirect_uri").filter(|uri| redirect::is_allowed(uri, &client.redirect_uris));
        let redirect_uri =
            redirect_uri.ok_or_else(|| stop("invalid_request", "The redirect URI is not registered."))?;
        Ok(Known { client, redirect_uri, state: params.get("state") })
    }

    fn approve(
        &self,
        request: &Request,
        known: &Known<'_>,
        scope: &str,
        params: &Params,
    ) -> Result<Answer, Reply> {
        let user = params.get(USER).and_then(|id| self.user(id));
        let user = user.ok_or_else(|| self.stop(request, "invalid_request", "No such user."))?;
        let consent = Consent {
            client_id: &known.client.client_id,
            redirect_uri: known.redirect_uri,
            user: &user.id,
            scope,
            challenge: params.get("code_challenge"),
        };
        let code =
            self.realm.issue_code(&consent, self.config.code_ttl).map_err(|_| self.storage_failed())?;
        Ok(Answer::done(known.redirect(&[("code", &code)]), Trace::default()))
    }

    fn page(&self, known: &Known<'_>, scope: &str, params: &Params) -> Reply {
        let request = params.clone().without(|name| name == USER || name == DECISION);
        let page = ConsentPage {
            provider: NAME,
            action: AUTHORIZE,
            client_id: &known.client.client_id,
            scope,
            users: self.config.users.iter().map(|user| (user.id.as_str(), user.name.clone())).collect(),
            request: &request,
        };
        Reply::html(StatusCode::OK, page.render())
    }

    /// 400 without a redirect: a page for browsers, JSON for others.
    fn stop(&self, request: &Request, code: &str, reason: &str) -> Reply {
        let browser = request.header("accept").is_some_and(|accept| accept.contains("text/html"));
        if browser {
            return Reply::html(StatusCode::BAD_REQUEST, error_page(NAME, reason)).error(code);
        }
        self.error(StatusCode::BAD_REQUEST, code, reason)
    }
}

impl Known<'_> {
    /// The checks whose failure goes to the redirect URI. Answers the scope.
    fn check<'a>(&self, params: &'a Params) -> Result<&'a str, Reply> {
        match params.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(self.refuse("unsupported_response_type")),
            None => return Err(self.refuse("invalid_request")),
        }
        if !self.client.may_use(GrantType::AuthorizationCode) {
            return Err(self.refuse("unauthorized_client"));
        }
        let allowed = |scope: &&str| scopes(scope).next().is_some() && self.client.may_have(scope);
        let scope = params.get("scope").filter(allowed).ok_or_else(|| self.refuse("invalid_scope"))?;
        match (params.get("code_challenge"), params.get("code_challenge_method")) {
            (Some(_), Some("S256")) => Ok(scope),
            (None, None) if !self.client.is_public() => Ok(scope),
            _ => Err(self.refuse("invalid_request")),
        }
    }

    fn refuse(&self, code: &str) -> Reply {
        self.redirect(&[("error", code)]).error(code)
    }

    fn redirect(&self, params: &[(&str, &str)]) -> Reply {
        let state = self.state.map(|state| ("state", state));
        let params: Vec<_> = params.iter().copied().chain(state).collect();
        Reply::redirect(&append_query(self.redirect_uri, &params))
    }
}
