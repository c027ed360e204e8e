//! Trying policies out before they are enforced.

use broker_e2e::client::vending_policy;
use broker_e2e::{House, Provider, ask, http};
use broker_proto::v1::Reason;
use serde_json::Value;
use tonic::Code;

use crate::errors::refused;

/// No other test calls itself so: the log is that of the whole process.
const STRANGER: &str = "stranger-in-the-shadow";

#[tokio::test]
async fn shadow_mode_lets_pass_what_it_would_deny_logs_and_counts_it() {
    let house = House::plan().shadow("").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let stranger = house.client.named(STRANGER);
    stranger.token(ask(&key)).await.unwrap();
    stranger.token(ask(&key)).await.unwrap();
    stranger.refresh(&key).await.unwrap();

    let log = house.log();
    let told: Vec<Value> = log
        .lines()
        .filter(|line| line.contains(STRANGER) && line.contains("access would be denied"))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let fields = |line: &Value| {
        ["level", "rpc", "action", "tenant", "provider"].map(|field| line[field].as_str().unwrap().to_owned())
    };
    let vend = ["WARN", "GetAccessToken", "vend", "acme", "evercam"];
    let operate = ["WARN", "RefreshGrant", "operate", "acme", "evercam"];
    assert_eq!(told.iter().map(fields).collect::<Vec<_>>(), [vend, vend, operate]);

    let (_, metrics) = http::get(house.http(), "/metrics", "").await;
    for (action, count) in [("vend", 2), ("operate", 1), ("consent", 0)] {
        let line = format!(
            "token_broker_access_refusals_total{{action=\"{action}\",outcome=\"shadowed\"}} {count}\n"
        );
        assert!(metrics.contains(&line), "{line} {metrics}");
    }
    house.close().await;
}

#[tokio::test]
async fn shadow_mode_lets_nobody_grant_themselves_what_outlives_it() {
    let house = House::plan().shadow("").open().await;
    let grabbed = house.client.named("stranger").create_policy(vending_policy("stranger", "*")).await;
    refused(grabbed, Code::PermissionDenied, Reason::AccessDenied);
    let made = house.client.create_policy(vending_policy("jwt:ci", "acme")).await.unwrap();
    let deleted = house.client.named("stranger").delete_policy(&made.policy_id).await;
    refused(deleted, Code::NotFound, Reason::ResourceNotFound);
    house.close().await;
}
