//! A simulated Eagle Eye Networks with a clock that is moved by hand.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provider_sim::{ClientConfig, Clock, EagleEyeConfig, Person, Running, Simulator};

use crate::http::{Answer, Closed, form, query, send, try_send};

pub(crate) const ID: &str = EagleEyeConfig::DEMO_CLIENT_ID;
pub(crate) const SECRET: &str = EagleEyeConfig::DEMO_CLIENT_SECRET;
pub(crate) const REDIRECT: &str = EagleEyeConfig::DEMO_REDIRECT_URI;
pub(crate) const ALICE: &str = "a11ce001";
pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct Een {
    pub(crate) sim: Running,
    pub(crate) base: String,
}

/// The other clients that tests register besides the demo one.
pub(crate) fn config() -> EagleEyeConfig {
    let mut config = EagleEyeConfig::demo();
    config
        .clients
        .push(ClientConfig::confidential("other", "other-secret").redirect_uri(REDIRECT).scopes(["vms.all"]));
    config.clients.push(ClientConfig::public("public").redirect_uri(REDIRECT).scopes(["vms.all"]));
    config
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

impl Een {
    pub(crate) async fn start(config: EagleEyeConfig) -> Self {
        let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let sim = Simulator::eagle_eye(config).with_clock(clock).bind("127.0.0.1:0").await.unwrap();
        let base = sim.base_url();
        Self { sim, base }
    }

    pub(crate) async fn demo() -> Self {
        Self::start(config()).await
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.sim.clock().advance(Duration::from_secs(seconds));
    }

    /// The authorization URL of the demo client with parameters replaced, added, or (empty) removed.
    pub(crate) fn url(&self, changes: &[(&str, &str)]) -> String {
        let mut params = vec![
            ("scope", "vms.all"),
            ("client_id", ID),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
        ];
        params.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        params.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        format!("{}/oauth2/authorize?{}", self.base, form(&params))
    }

    pub(crate) async fn code_with(&self, changes: &[(&str, &str)]) -> String {
        let callback = Person::new(ALICE).approve(&self.url(changes)).await.unwrap();
        query(&callback, "code").unwrap_or_else(|| panic!("no code in {callback}"))
    }

    pub(crate) async fn code(&self) -> String {
        self.code_with(&[]).await
    }

    /// A token request of the demo client with Basic credentials.
    pub(crate) async fn token(&self, params: &[(&str, &str)]) -> Answer {
        self.try_token(params).await.unwrap()
    }

    pub(crate) async fn try_token(&self, params: &[(&str, &str)]) -> Result<Answer, Closed> {
        let authorization = basic(ID, SECRET);
        let headers = [FORM, ("authorization", authorization.as_str())];
        try_send(&self.base, "POST", "/oauth2/token", &headers, &form(params)).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        self.token(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)]).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.try_refresh(token).await.unwrap()
    }

    pub(crate) async fn try_refresh(&self, token: &str) -> Result<Answer, Closed> {
        self.try_token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Access and refresh token of a new grant of Alice.
    pub(crate) async fn grant(&self) -> (String, String) {
        tokens(&self.exchange(&self.code().await).await)
    }

    pub(crate) async fn api(&self, access_token: &str) -> Answer {
        let authorization = format!("Bearer {access_token}");
        send(&self.base, "GET", "/api/v3.0/users/self", &[("authorization", &authorization)], "").await
    }

    pub(crate) async fn is_alive(&self, access_token: &str) -> bool {
        match self.api(access_token).await.status {
            200 => true,
            401 => false,
            other => panic!("status {other}"),
        }
    }

    pub(crate) async fn revoke(&self, token: &str) -> Answer {
        let authorization = basic(ID, SECRET);
        let headers = [FORM, ("authorization", authorization.as_str())];
        send(&self.base, "POST", "/oauth2/revoke", &headers, &form(&[("token", token)])).await
    }
}

pub(crate) fn tokens(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.text("access_token"), answer.text("refresh_token"))
}
