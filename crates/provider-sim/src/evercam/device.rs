//! The device flow (RFC 8628): codes for a device, a page for its user, and polls. It is forgotten at a restart.

use std::collections::HashMap;

use hyper::{Method, StatusCode};
use serde_json::json;

use super::{Evercam, NAME};
use crate::clock::Millis;
use crate::consent_page::{APPROVE, ConsentPage, DECISION, DENY, USER, error_page};
use crate::message::{Reply, Request};
use crate::params::{Params, append_query, scopes};
use crate::provider::Answer;
use crate::random;
use crate::realm::{Consent, Granted, Redemption, Trace};

pub(super) const DEVICE: &str = "/oauth/device";
pub(super) const DEVICE_AUTHORIZE: &str = "/oauth/device/authorize";
pub(super) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Life of the codes, in seconds; documented.
const LIFE: u64 = 900;
/// How many seconds `slow_down` adds to the interval (RFC 8628 section 3.5).
const SLOW_DOWN: u64 = 5;

/// By device code.
pub(super) type Devices = HashMap<String, Device>;

pub(super) struct Device {
    user_code: String,
    client_id: String,
    scope: String,
    expires_at: Millis,
    interval: u64,
    polled_at: Option<Millis>,
    decision: Option<Decision>,
}

enum Decision {
    Denied,
    /// With the code that stands for the consent.
    Approved(String),
}

impl Evercam {
    pub(super) fn device_authorize(&self, request: &Request) -> Answer {
        let begun = self.body_params(request).and_then(|params| self.begin_device(request, &params));
        begun.map(Answer::unchanged).into()
    }

    fn begin_device(&self, request: &Request, params: &Params) -> Result<Reply, Reply> {
        let client = self.realm.client(self.required(params, "client_id")?);
        let client = client.ok_or_else(|| self.invalid_client())?;
        let scope = self.required(params, "scope")?;
        if scopes(scope).next().is_none() || !client.may_have(scope) {
            return Err(self.error(StatusCode::BAD_REQUEST, "invalid_scope", "The scope is not registered."));
        }
        let (device_code, user_code) = (random::text::<32>(), user_code());
        let interval = self.config.device_interval.as_secs();
        let device = Device {
            user_code: user_code.clone(),
            client_id: client.client_id,
            scope: scope.to_owned(),
            expires_at: self.realm.now().saturating_add(LIFE * 1_000),
            interval,
            polled_at: None,
            decision: None,
        };
        self.devices().insert(device_code.clone(), device);
        let page = format!("http://{}{DEVICE}", request.header("host").unwrap_or("localhost"));
        let answer = json!({
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": append_query(&page, &[("user_code", &user_code)]),
            "expires_in": LIFE,
            "interval": interval,
        });
        Ok(Reply::json(StatusCode::OK, &answer))
    }

    /// The page where the user enters the code, and decides.
    pub(super) fn device_page(&self, request: &Request) -> Answer {
        let params = request.query_params().chain(request.form_params());
        let decision = params.get(DECISION).filter(|_| request.method == Method::POST);
        let code = params.get("user_code").unwrap_or_default().to_ascii_uppercase();
        let now = self.realm.now();
        let mut devices = self.devices();
        let open = |device: &&mut Device| {
            device.user_code == code && device.decision.is_none() && device.expires_at > now
        };
        let Some(device) = devices.values_mut().find(open) else {
            let page = error_page(NAME, "There is no such code, or it has lapsed.");
            return Answer::unchanged(Reply::html(StatusCode::BAD_REQUEST, page));
        };
        match decision {
            Some(APPROVE) => self.approve_device(device, &params),
            Some(DENY) => {
                device.decision = Some(Decision::Denied);
                Answer::done(done_page("You have refused."), Trace::default())
            }
            _ => Answer::unchanged(self.decision_page(device, &params)),
        }
    }

    fn approve_device(&self, device: &mut Device, params: &Params) -> Answer {
        let Some(user) = params.get(USER).and_then(|id| self.user(id)) else {
            return Answer::unchanged(Reply::html(
                StatusCode::BAD_REQUEST,
                error_page(NAME, "No such user."),
            ));
        };
        let consent = Consent {
            client_id: &device.client_id,
            redirect_uri: DEVICE,
            user: &user.id,
            scope: &device.scope,
            challenge: None,
        };
        match self.realm.issue_code(&consent, self.config.code_ttl) {
            Ok(code) => {
                device.decision = Some(Decision::Approved(code));
                Answer::done(done_page("The device is signed in."), Trace::default())
            }
            Err(_) => Answer::unchanged(self.storage_failed()),
        }
    }

    fn decision_page(&self, device: &Device, params: &Params) -> Reply {
        let request = params.clone().without(|name| name == USER || name == DECISION);
        let page = ConsentPage {
            provider: NAME,
            action: DEVICE,
            client_id: &device.client_id,
            scope: &device.scope,
            users: self.config.users.iter().map(|user| (user.id.as_str(), user.name.clone())).collect(),
            request: &request,
        };
        Reply::html(StatusCode::OK, page.render())
    }

    /// One poll. The client shows no secret.
    pub(super) fn poll_device(&self, params: &Params) -> Result<Granted, Reply> {
        let client = self.realm.client(self.required(params, "client_id")?);
        let client = client.ok_or_else(|| self.invalid_client())?;
        let device_code = self.required(params, "device_code")?;
        let refused = |code: &str, text: &str| self.error(StatusCode::BAD_REQUEST, code, text);
        let mut devices = self.devices();
        let own = devices.get_mut(device_code).filter(|device| device.client_id == client.client_id);
        let device = own.ok_or_else(|| refused("invalid_grant", "The device code is unknown or used."))?;
        let now = self.realm.now();
        let too_soon = device
            .polled_at
            .replace(now)
            .is_some_and(|last| now < last.saturating_add(device.interval * 1_000));
        if now >= device.expires_at {
            return Err(refused("expired_token", "The device code has expired."));
        }
        if too_soon {
            device.interval += SLOW_DOWN;
            return Err(refused("slow_down", "Poll less often."));
        }
        let code = match &device.decision {
            None => return Err(refused("authorization_pending", "The user has not answered yet.")),
            Some(Decision::Denied) => return Err(refused("access_denied", "The user has refused.")),
            Some(Decision::Approved(code)) => code.clone(),
        };
        devices.remove(device_code);
        let redemption = Redemption {
            client: &client,
            code: &code,
            redirect_uri: Some(DEVICE),
            verifier: None,
            with_refresh: true,
        };
        self.realm.redeem(self, &redemption).map_err(|refusal| self.refusal(&refusal))
    }
}

/// Letters that are not mistaken for others, as documented: `BDFG-HJKL`.
fn user_code() -> String {
    const LETTERS: &[u8; 16] = b"BCDFGHJKLMNPQRST";
    let letters = random::bytes::<8>().map(|byte| char::from(LETTERS[usize::from(byte % 16)]));
    let [first, second] = [&letters[..4], &letters[4..]].map(|half| half.iter().collect::<String>());
    format!("{first}-{second}")
}

fn done_page(text: &str) -> Reply {
    Reply::html(StatusCode::OK, error_page(NAME, text))
}
