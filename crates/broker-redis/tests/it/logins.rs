//! Users, passwords, and what is never said of them.

use std::path::PathBuf;

use broker_core::ProviderName;
use broker_core::ports::{BudgetLimit, LeaseManager, LeaseOutcome, ProviderBudget, Wakeups};
use broker_redis::{RedisConfig, RedisConfigError};
use tempfile::TempDir;

use crate::server::RedisServer;
use crate::world::{Replica, TTL, adopted, chain, grant, news, redis};

/// What the crate's documentation says is enough.
const ENOUGH: &str = "resetkeys ~tokenbroker:v1:* resetchannels &tokenbroker:v1:* \
    -@all +ping +get +set +del +pexpire +time +eval +evalsha +script|load +publish +subscribe";

async fn server_with_user(rules: &str) -> RedisServer {
    let server = RedisServer::start().await;
    let mut admin = redis(&server.url()).await;
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER")
        .arg("broker")
        .arg("on")
        .arg(">hunter2")
        .arg(rules.split_whitespace().collect::<Vec<_>>());
    user.exec_async(&mut admin).await.unwrap();
    redis::cmd("ACL").arg("SETUSER").arg("default").arg("off").exec_async(&mut admin).await.unwrap();
    server
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

fn config(server: &RedisServer) -> RedisConfig {
    let mut config = RedisConfig::new(server.url());
    let limit = BudgetLimit::new(0.001, 9).unwrap();
    config.budgets.insert(ProviderName::new("evercam").unwrap(), limit);
    config
}

#[tokio::test]
async fn the_documented_permissions_are_enough_and_the_password_may_lie_in_a_file() {
    let server = server_with_user(ENOUGH).await;
    let (_directory, path) = file("hunter2\n");
    let mut config = config(&server);
    config.username = Some("broker".to_owned());
    config.password_file = Some(path);
    let (replica, other) = (Replica::with(config.clone()), Replica::with(config));
    replica.until_healthy().await;
    other.until_healthy().await;

    let LeaseOutcome::Held(lease) = replica.redis.acquire(grant(1), TTL).await.unwrap() else {
        panic!("the lease is free")
    };
    assert!(replica.redis.renew(&lease, TTL).await.unwrap());
    replica.redis.release(lease).await.unwrap();
    assert_eq!(replica.redis.take(&ProviderName::new("evercam").unwrap(), 99).await, 9);
    let mut stream = other.redis.subscribe();
    replica.redis.announce(adopted(1));
    assert_eq!(news(&mut stream).await, adopted(1));
    let snapshot = replica.health().snapshot();
    assert_eq!((snapshot.lease_errors, snapshot.wakeups_lost, snapshot.budget_fallbacks), (0, 0, 0));
}

#[tokio::test]
async fn user_and_password_may_stand_in_the_url() {
    let server = server_with_user(ENOUGH).await;
    let replica = Replica::ready(format!("redis://broker:hunter2@127.0.0.1:{}/", server.port())).await;
    assert_eq!(replica.asks(grant(1)).await, Ok(true));
}

#[tokio::test]
async fn a_refused_login_is_named_and_the_password_is_not() {
    let server = server_with_user(ENOUGH).await;
    let replica = Replica::on(format!("redis://broker:wrong-password@127.0.0.1:{}/", server.port()));
    replica.until(|| replica.problem() == Some("login")).await;
    replica.clock.advance(std::time::Duration::from_secs(1));
    let error = replica.asks(grant(1)).await.unwrap_err();
    assert!(!error.contains("wrong-password") && !error.contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let server = server_with_user(&ENOUGH.replace(" +set", "")).await;
    let replica = Replica::ready(format!("redis://broker:hunter2@127.0.0.1:{}/", server.port())).await;
    let error = replica.asks(grant(1)).await.unwrap_err();
    assert!(error.contains("ACL") && !error.contains("hunter2"), "{error}");
}

#[test]
fn what_cannot_work_is_said_without_saying_the_url() {
    let refused = |config: RedisConfig| {
        let problem = problem(&config);
        assert!(!problem.contains("hunter2") && !format!("{config:?}").contains("hunter2"), "{problem}");
        problem
    };
    let url = RedisConfig::new;
    assert!(refused(url("http://:hunter2@host/")).contains("redis://"));
    assert!(refused(url(":hunter2@host")).contains("redis://"));
    assert!(refused(url("redis://:hunter2@host/hunter2")).contains("redis://"));
    assert!(refused(url("rediss://:hunter2@host/#insecure")).contains("always checked"));
    let (_directory, path) = file(" \n");
    let with_ca = |url: &str| RedisConfig { ca_file: Some(path.clone()), ..RedisConfig::new(url) };
    assert!(refused(with_ca("redis://:hunter2@host/")).contains("without TLS"));
    assert!(refused(with_ca("rediss://:hunter2@host/")).contains("no certificate"));
    assert!(
        refused(RedisConfig { password_file: Some(path), ..url("redis://host/") }).contains("no password")
    );
    let missing = Some(PathBuf::from("/nowhere/password"));
    assert!(
        refused(RedisConfig { password_file: missing, ..url("redis://host/") }).contains("/nowhere/password")
    );
}

fn problem(config: &RedisConfig) -> String {
    use std::sync::Arc;
    let clock = broker_core::testing::ManualClock::new(broker_core::Timestamp::from_unix_seconds(0));
    let entropy = Arc::new(broker_crypto::SeededEntropy::new(1));
    let refused: Result<_, RedisConfigError> =
        broker_redis::RedisCoordinator::connect(config.clone(), Arc::new(clock), entropy);
    chain(&refused.err().expect("it cannot work"))
}
