//! A simulated Evercam with a clock that is moved by hand.

use std::time::{Duration, UNIX_EPOCH};

use provider_sim::{ApiKey, ClientConfig, Clock, EvercamConfig, Person, Running, Simulator};
use serde_json::{Map, Value, json};

use crate::http::{Answer, form, query, send};

pub(crate) const ID: &str = EvercamConfig::DEMO_CLIENT_ID;
pub(crate) const SECRET: &str = EvercamConfig::DEMO_CLIENT_SECRET;
pub(crate) const REDIRECT: &str = EvercamConfig::DEMO_REDIRECT_URI;
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

pub(crate) struct Evercam {
    pub(crate) sim: Running,
    pub(crate) base: String,
}

/// The demo with another confidential client, a public one, and an API key.
pub(crate) fn config() -> EvercamConfig {
    let mut config = EvercamConfig::demo();
    let scopes = ["cameras:read", "camera:live_view"];
    config
        .clients
        .push(ClientConfig::confidential("ev_other", "evs_other").redirect_uri(REDIRECT).scopes(scopes));
    config.clients.push(ClientConfig::public("ev_public").redirect_uri(REDIRECT).scopes(scopes));
    config.clients[0].redirect_uris.push("http://app.example/callback".into());
    config.api_keys.push(ApiKey { id: "api-id".into(), key: "api-key".into(), user: "bob".into() });
    config
}

impl Evercam {
    pub(crate) async fn start(config: EvercamConfig) -> Self {
        let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let sim = Simulator::evercam(config).with_clock(clock).bind("127.0.0.1:0").await.unwrap();
        let base = sim.base_url();
        Self { sim, base }
    }

    pub(crate) async fn demo() -> Self {
        Self::start(config()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut EvercamConfig)) -> Self {
        let mut config = config();
        change(&mut config);
        Self::start(config).await
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.sim.clock().advance(Duration::from_secs(seconds));
    }

    /// The authorization URL of the demo client with parameters replaced, added, or (empty) removed.
    pub(crate) fn url(&self, changes: &[(&str, &str)]) -> String {
        let mut params = vec![("client_id", ID), ("redirect_uri", REDIRECT), ("response_type", "code")];
        params.push(("scope", "cameras:read camera:live_view"));
        params.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        params.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        format!("{}/oauth/authorize?{}", self.base, form(&params))
    }

    pub(crate) async fn code_with(&self, changes: &[(&str, &str)]) -> String {
        let callback = Person::new("alice").approve(&self.url(changes)).await.unwrap();
        query(&callback, "code").unwrap_or_else(|| panic!("no code in {callback}"))
    }

    pub(crate) async fn code(&self) -> String {
        self.code_with(&[]).await
    }

    /// A JSON request of the demo client; members with an empty text are left out.
    pub(crate) async fn post(&self, path: &str, members: &[(&str, &str)]) -> Answer {
        let mut body: Map<String, Value> = Map::new();
        for (name, value) in [("client_id", ID), ("client_secret", SECRET)].iter().chain(members) {
            body.insert((*name).to_owned(), json!(value));
        }
        body.retain(|_, value| value != "");
        send(&self.base, "POST", path, &[JSON], &Value::Object(body).to_string()).await
    }

    pub(crate) async fn exchange_with(&self, code: &str, members: &[(&str, &str)]) -> Answer {
        let mut all = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
        all.extend(members);
        self.post("/oauth/token", &all).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        self.exchange_with(code, &[]).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(crate) async fn grant(&self) -> (String, String) {
        crate::een::tokens(&self.exchange(&self.code().await).await)
    }

    pub(crate) async fn cameras(&self, access_token: &str) -> Answer {
        let authorization = format!("Bearer {access_token}");
        send(&self.base, "GET", "/v2/cameras", &[("authorization", &authorization)], "").await
    }

    pub(crate) async fn is_alive(&self, access_token: &str) -> bool {
        match self.cameras(access_token).await.status {
            200 => true,
            401 => false,
            other => panic!("status {other}"),
        }
    }
}
