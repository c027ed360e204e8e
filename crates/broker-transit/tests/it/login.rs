//! Tokens out of files and from logins.

use std::time::Duration;

use broker_crypto::KeyEncryption as _;
use broker_transit::testing::TOKEN;
use broker_transit::{KubernetesLogin, Login};

use crate::setting::{Setting, unavailable};

const SECOND: Duration = Duration::from_secs(1);

async fn kubernetes() -> Setting {
    let login =
        |token_file| Login::Kubernetes(KubernetesLogin::new("broker", "kubernetes", token_file).unwrap());
    let setting = Setting::with(None, login).await;
    setting.write_token("jwt-1");
    setting.service.let_in("broker", "jwt-1", 90);
    setting
}

#[tokio::test]
async fn a_token_file_is_read_at_each_call() {
    let setting = Setting::open().await;
    let envelope = setting.wrap(1).await.unwrap();
    setting.service.set_token("hvs.token-2");
    let refused = unavailable(setting.unwrap(&envelope).await);
    assert!(refused.contains("403") && !refused.contains("hvs."), "{refused}");
    setting.write_token("hvs.token-2");
    setting.clock.advance(SECOND);
    assert_eq!(setting.unwrap(&envelope).await, Ok(1));
}

#[tokio::test]
async fn a_token_file_that_holds_none_is_named() {
    let setting = Setting::with(None, Login::TokenFile).await;
    for content in [None, Some(""), Some("hvs.one hvs.two"), Some("hvs.one\nhvs.two")] {
        content.into_iter().for_each(|content| setting.write_token(content));
        let problem = unavailable(setting.wrap(1).await);
        assert!(problem.contains("token file /") && !problem.contains("hvs."), "{problem}");
        setting.clock.advance(SECOND);
    }
    assert_eq!(setting.service.calls("keys"), 0);
}

#[tokio::test]
async fn the_namespace_is_named_in_every_call() {
    let setting = Setting::with(Some("team/a"), Login::TokenFile).await;
    setting.write_token(TOKEN);
    setting.service.set_namespace("team/a");
    let envelope = setting.wrap(5).await.unwrap();
    assert_eq!(setting.unwrap(&envelope).await, Ok(5));
}

#[tokio::test]
async fn a_service_account_logs_in_once_and_again_before_its_token_runs_out() {
    let setting = kubernetes().await;
    let envelope = setting.wrap(3).await.unwrap();
    assert_eq!(setting.unwrap(&envelope).await, Ok(3));
    setting.clock.advance(59 * SECOND);
    assert_eq!(setting.unwrap(&envelope).await, Ok(3));
    assert_eq!(setting.service.calls("login"), 1);
    setting.clock.advance(SECOND);
    assert_eq!(setting.unwrap(&envelope).await, Ok(3));
    assert_eq!(setting.service.calls("login"), 2);
}

#[tokio::test]
async fn a_token_that_was_revoked_is_followed_by_another_login() {
    let setting = kubernetes().await;
    let envelope = setting.wrap(3).await.unwrap();
    setting.service.set_token("nobody's");
    assert_eq!(setting.unwrap(&envelope).await, Ok(3));
    assert_eq!(setting.service.calls("login"), 2);
}

#[tokio::test]
async fn a_login_that_is_refused_is_told_as_one() {
    let setting = kubernetes().await;
    setting.service.let_in("broker", "jwt-2", 90);
    let failure = setting.transit.wait_until_usable(SECOND).await.unwrap_err().to_string();
    assert!(failure.contains("login") && failure.contains("403") && !failure.contains("jwt-"), "{failure}");
    setting.write_token("jwt-2");
    setting.clock.advance(SECOND);
    assert!(setting.transit.primary().await.is_ok());
}
