use std::path::PathBuf;
use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use broker_core::Timestamp;
use broker_core::testing::ManualClock;
use broker_crypto::jwt::Algorithm;
use broker_crypto::jwt::testing::{TestKey, jwks};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::*;
use crate::auth::{KeyOrigin, KeyTimes};

const START: i64 = 1_700_000_000;
const TIMES: KeyTimes = KeyTimes { refresh: Duration::from_secs(60), max_stale: Duration::from_secs(3600) };

/// Two issuers, each with a key of its own that has the same name.
struct Setting {
    directory: tempfile::TempDir,
    clock: Arc<ManualClock>,
    issuers: Arc<Issuers>,
    cluster: TestKey,
    company: TestKey,
}

impl Setting {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(START)));
        let (cluster, company) = (TestKey::es256("1"), TestKey::es256("1"));
        let issuer = |name: &str, key: &TestKey| {
            let path = directory.path().join(name);
            std::fs::write(&path, jwks(&[key])).unwrap();
            Issuer {
                rules: TokenRules {
                    issuer: format!("https://{name}.example"),
                    audiences: vec!["token-broker".to_owned()],
                    algorithms: vec![Algorithm::Es256],
                    leeway: 30,
                    subject_claim: "sub".to_owned(),
                },
                prefix: format!("{name}:"),
                keys: IssuerKeys::new(name, KeyOrigin::File(path), TIMES, clock.clone()),
            }
        };
        let both = vec![issuer("cluster", &cluster), issuer("company", &company)];
        let issuers = Arc::new(Issuers::new(both, clock.clone()));
        for keys in issuers.keys() {
            keys.look().await;
        }
        Self { directory, clock, issuers, cluster, company }
    }

    fn path(&self, issuer: &str) -> PathBuf {
        self.directory.path().join(issuer)
    }

    async fn principal(&self, token: &str) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        self.issuers.principal(&headers).await.map(|principal| principal.to_string())
    }
}

fn claims(issuer: &str, subject: &str) -> Value {
    json!({ "iss": issuer, "aud": "token-broker", "sub": subject, "exp": START + 600 })
}

#[tokio::test]
async fn an_issuer_names_its_own_callers_only() {
    let setting = Setting::new().await;
    let of_cluster = |subject| claims("https://cluster.example", subject);
    let token = setting.cluster.sign(&of_cluster("recorder"));
    assert_eq!(setting.principal(&token).await.unwrap(), "cluster:recorder");
    let token = setting.company.sign(&claims("https://company.example", "recorder"));
    assert_eq!(setting.principal(&token).await.unwrap(), "company:recorder");
    // Signed by the other, whose key has the same name.
    let token = setting.company.sign(&of_cluster("recorder"));
    assert_eq!(setting.principal(&token).await, Err(Refusal::Token(TokenRefused::BadSignature)));
    let token = setting.cluster.sign(&of_cluster("company:recorder"));
    assert_eq!(setting.principal(&token).await.unwrap(), "cluster:company:recorder");
}

#[tokio::test]
async fn who_cannot_be_named_is_not_known() {
    let setting = Setting::new().await;
    let stranger = claims("https://stranger.example", "recorder");
    assert_eq!(setting.principal(&setting.cluster.sign(&stranger)).await, Err(Refusal::UnknownIssuer));
    for subject in ["line\nbreak".to_owned(), "s".repeat(512)] {
        let token = setting.cluster.sign(&claims("https://cluster.example", &subject));
        assert_eq!(setting.principal(&token).await, Err(Refusal::Name));
    }
    assert_eq!(setting.issuers.principal(&HeaderMap::new()).await, Err(Refusal::NoToken));
}

#[tokio::test]
async fn a_token_is_remembered_until_it_expires() {
    let setting = Setting::new().await;
    let token = setting.cluster.sign(&claims("https://cluster.example", "recorder"));
    setting.clock.advance(Duration::from_secs(600));
    assert!(setting.principal(&token).await.is_ok(), "within the leeway");
    setting.clock.advance(Duration::from_secs(30));
    assert_eq!(setting.principal(&token).await, Err(Refusal::Token(TokenRefused::Expired)));
}

#[tokio::test]
async fn a_token_is_remembered_as_long_as_its_issuer_has_the_key() {
    let setting = Setting::new().await;
    let token = setting.cluster.sign(&claims("https://cluster.example", "recorder"));
    assert!(setting.principal(&token).await.is_ok());
    // The same name, another key.
    std::fs::write(setting.path("cluster"), jwks(&[&TestKey::es256("1")])).unwrap();
    for keys in setting.issuers.keys() {
        keys.look().await;
    }
    assert_eq!(setting.principal(&token).await, Err(Refusal::Token(TokenRefused::BadSignature)));
}

#[tokio::test]
async fn an_issuer_without_keys_for_too_long_knows_nobody() {
    let setting = Setting::new().await;
    let mut eternal = claims("https://cluster.example", "recorder");
    eternal["exp"] = json!(START + 1_000_000);
    let token = setting.cluster.sign(&eternal);
    assert!(setting.principal(&token).await.is_ok());
    setting.clock.advance(TIMES.max_stale + Duration::from_secs(1));
    std::fs::remove_file(setting.path("cluster")).unwrap();
    let tasks = keep(&setting);
    let (refused, ()) = futures_util::future::join(setting.principal(&token), time_passes(&setting)).await;
    assert_eq!(refused, Err(Refusal::StaleKeys));
    drop(tasks);
}

#[tokio::test]
async fn a_new_key_is_found_when_the_first_token_comes_that_it_signed() {
    let setting = Setting::new().await;
    let tasks = keep(&setting);
    let new = TestKey::es256("2");
    std::fs::write(setting.path("cluster"), jwks(&[&setting.cluster, &new])).unwrap();
    let token = new.sign(&claims("https://cluster.example", "recorder"));
    let (known, ()) = futures_util::future::join(setting.principal(&token), time_passes(&setting)).await;
    assert_eq!(known.unwrap(), "cluster:recorder");

    let token = TestKey::es256("3").sign(&claims("https://cluster.example", "recorder"));
    let (unknown, ()) = futures_util::future::join(setting.principal(&token), time_passes(&setting)).await;
    assert_eq!(unknown, Err(Refusal::Token(TokenRefused::UnknownKey)));
    drop(tasks);
}

#[tokio::test]
async fn whether_a_key_is_a_new_one_cannot_be_said_while_none_can_be_read() {
    let setting = Setting::new().await;
    let tasks = keep(&setting);
    std::fs::remove_file(setting.path("cluster")).unwrap();
    let token = TestKey::es256("2").sign(&claims("https://cluster.example", "recorder"));
    let (unsure, ()) = futures_util::future::join(setting.principal(&token), time_passes(&setting)).await;
    assert_eq!(unsure, Err(Refusal::StaleKeys));
    let known = setting.cluster.sign(&claims("https://cluster.example", "recorder"));
    assert!(setting.principal(&known).await.is_ok(), "those read before hold");
    drop(tasks);
}

fn keep(setting: &Setting) -> TaskTracker {
    let (tasks, issuers) = (TaskTracker::new(), setting.issuers.clone());
    tasks.spawn(async move {
        futures_util::future::join_all(issuers.keys().map(IssuerKeys::run)).await;
    });
    tasks
}

/// Enough for one reading, too little for the next that nobody asks for.
async fn time_passes(setting: &Setting) {
    for _ in 0..20 {
        setting.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
