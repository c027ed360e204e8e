//! A little authorization server: it keeps one family of refresh tokens and does with a used one what its mode says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use broker_core::ports::{
    AuthorizationRequest, CallError, DeviceAnswer, DeviceRequest, PollRefusal, Presentation, ProviderClient,
    RawResponse, RevocationAnswer, RevocationRequest, SendGate, TokenOutcome, TokenRequest,
};
use broker_core::{Clock, FailureKind, ProviderFailure, ProviderProfile, Timestamp, TokenResponse};
use broker_crypto::{AccessToken, ProviderResponse, RefreshToken};

use super::modes::{GRACE, Mode};
use super::stops::{Stop, Stops};

pub(crate) struct Server {
    mode: Mode,
    profile: ProviderProfile,
    clock: Arc<dyn Clock>,
    stops: Arc<Stops>,
    family: Mutex<Family>,
}

/// The refresh tokens of one consent.
#[derive(Default)]
struct Family {
    serial: u64,
    revoked: bool,
    tokens: HashMap<String, Use>,
    presented: HashMap<String, u32>,
}

/// What has become of a token: nothing yet, or a successor.
#[derive(Default)]
struct Use {
    first_used: Option<Timestamp>,
    successor: Option<String>,
}

impl Server {
    pub(crate) fn new(mode: Mode, clock: Arc<dyn Clock>, stops: Arc<Stops>) -> Self {
        Self { mode, profile: mode.profile(), clock, stops, family: Mutex::default() }
    }

    /// How often a refresh token reached the server.
    pub(crate) fn presented(&self, token: &str) -> u32 {
        self.family.lock().unwrap().presented.get(token).copied().unwrap_or_default()
    }

    /// The body of the answer; `None` refuses.
    fn answer(&self, presentation: &Presentation) -> Option<String> {
        let mut family = self.family.lock().unwrap();
        match presentation {
            Presentation::AuthorizationCode { .. } | Presentation::DeviceCode(_) => {
                let serial = family.serial;
                *family = Family { serial, ..Family::default() };
                Some(family.issue().1)
            }
            Presentation::ClientCredentials => Some(family.issue().1),
            Presentation::RefreshToken(token) => self.refresh(&mut family, token.expose()),
        }
    }

    fn refresh(&self, family: &mut Family, token: &str) -> Option<String> {
        *family.presented.entry(token.to_owned()).or_default() += 1;
        let now = self.clock.now();
        let known = family.tokens.get(token).filter(|_| !family.revoked)?;
        match (self.mode, known.first_used) {
            (Mode::Reusable, _) => Some(family.access_token()),
            (_, None) => Some(family.rotate(token, now)),
            (Mode::Grace, Some(first)) if now.since(first) <= GRACE => {
                Some(family.rotate_again(token, first))
            }
            (Mode::Reject, Some(_)) => None,
            (Mode::Grace | Mode::RevokeFamily, Some(_)) => {
                family.revoked = true;
                None
            }
        }
    }
}

impl Family {
    fn access_token(&mut self) -> String {
        self.serial += 1;
        format!("at-{}", self.serial)
    }

    /// A fresh refresh token, and the body that brings it.
    fn issue(&mut self) -> (String, String) {
        let access = self.access_token();
        let refresh = format!("rt-{}", self.serial);
        self.tokens.insert(refresh.clone(), Use::default());
        let body = format!("{access} {refresh}");
        (refresh, body)
    }

    fn rotate(&mut self, token: &str, at: Timestamp) -> String {
        let (successor, body) = self.issue();
        self.tokens.insert(token.to_owned(), Use { first_used: Some(at), successor: Some(successor) });
        body
    }

    /// The later answer holds: the successor answered before dies.
    fn rotate_again(&mut self, token: &str, first: Timestamp) -> String {
        if let Some(earlier) = self.tokens.get_mut(token).and_then(|used| used.successor.take()) {
            self.tokens.remove(&earlier);
        }
        self.rotate(token, first)
    }
}

#[async_trait]
impl ProviderClient for Server {
    fn profile(&self) -> &ProviderProfile {
        &self.profile
    }

    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> String {
        format!("https://p.example/authorize?state={}", request.state.expose())
    }

    async fn call(&self, request: TokenRequest, gate: Arc<dyn SendGate>) -> Result<RawResponse, CallError> {
        gate.commit_sent().await.map_err(|refused| CallError::Unsent(refused.to_string()))?;
        let answer = self.answer(&request.presentation);
        self.stops.at(Stop::Answered).await;
        let (status, body) = answer.map_or((400, "invalid_grant".to_owned()), |body| (200, body));
        let body = ProviderResponse::new(body.into_bytes());
        Ok(RawResponse { status, retry_after: None, body, received_at: self.clock.now() })
    }

    fn interpret(&self, response: &RawResponse) -> TokenOutcome {
        if response.status != 200 {
            return TokenOutcome::Failed(ProviderFailure::of(FailureKind::DeadToken));
        }
        let text = String::from_utf8(response.body.expose().to_vec()).unwrap();
        let mut words = text.split(' ');
        TokenOutcome::Granted(TokenResponse {
            access_token: AccessToken::new(words.next().unwrap()),
            refresh_token: words.next().map(RefreshToken::new),
            token_type: "Bearer".into(),
            expires_in: Some(Duration::from_secs(3600)),
            scopes: None,
            api_base_url: None,
            window: Default::default(),
        })
    }

    fn offers_device_authorization(&self) -> bool {
        false
    }

    async fn authorize_device(&self, _request: DeviceRequest) -> Result<RawResponse, CallError> {
        unreachable!("no device is authorized here")
    }

    fn interpret_device(&self, _response: &RawResponse) -> DeviceAnswer {
        unreachable!("no device is authorized here")
    }

    fn poll_refusal(&self, _failure: &ProviderFailure) -> PollRefusal {
        PollRefusal::Other
    }

    async fn revoke(
        &self,
        _request: RevocationRequest,
        _gate: Arc<dyn SendGate>,
    ) -> Result<RawResponse, CallError> {
        unreachable!("nothing is revoked here")
    }

    fn interpret_revocation(&self, _response: &RawResponse) -> RevocationAnswer {
        unreachable!("nothing is revoked here")
    }
}
