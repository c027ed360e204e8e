//! The wide events of a broker's stderr are those of `docs/log-events.md`, key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use broker_e2e::{Collector, House, Provider, ask};
use broker_proto::v1::{BatchGetAccessTokensRequest, GrantKey};
use provider_sim::{Endpoint, EvercamConfig, Fault, FaultBody, When};
use serde_json::{Map, Value, json};

use super::{TOKEN_LIFE, ask_until_rotated, plan, telemetry};
use crate::BINARY;

/// What every line has.
const EVERY: [&str; 4] = ["level", "message", "target", "timestamp"];

#[tokio::test]
async fn every_key_of_a_wide_event_is_documented_and_every_documented_key_is_written() {
    // Its scheduler works, for only what was due is late; and with a collector everything is in a trace.
    let collector = Collector::grpc().await;
    let sections = telemetry(&format!("http://{}", collector.address), "grpc", "");
    let evercam = EvercamConfig { access_ttl: TOKEN_LIFE, ..EvercamConfig::demo() };
    let mut house = House::plan().child(BINARY).evercam(evercam).sections(&sections).open().await;
    bring_about(&house).await;
    house.stop().await;
    let lines = wide_events(&house.child_log());
    for (event, documented) in documented() {
        let written: BTreeSet<_> = lines[event.as_str()]
            .iter()
            .flat_map(Map::keys)
            .filter(|key| !EVERY.contains(&key.as_str()))
            .cloned()
            .collect();
        assert_eq!(written, documented, "{event}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_call_and_a_rotation_have_one_event_each() {
    let mut house = plan("").open().await;
    let key = house.consent(Provider::EagleEye, "ada").await;
    house.vend(&key).await.unwrap();
    house.client.refresh(&key).await.unwrap();
    house.vend(&house.key(Provider::EagleEye, "nobody")).await.unwrap_err();
    drop(house.client.watch(std::slice::from_ref(&key)).await.unwrap());
    until_logged(&house, "TokenService/WatchAccessTokens").await;
    house.stop().await;
    let lines = wide_events(&house.child_log());

    let of = |method: &str| {
        let calls = lines["rpc"].iter().filter(|line| line["method"].as_str().unwrap().ends_with(method));
        calls
            .map(|line| (line["level"].as_str().unwrap(), line["code"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("/GetAccessToken"), [("DEBUG", "OK"), ("INFO", "NOT_FOUND")]);
    assert_eq!(of("/RefreshGrant"), [("INFO", "OK")]);
    assert_eq!(of("/WatchAccessTokens"), [("INFO", "CANCELLED")], "a stream has one event, at its end");
    assert!(of("/Check").is_empty(), "probes are not told of");
    let rotations = lines["rotation"].iter().map(|line| {
        (
            line["kind"].as_str().unwrap(),
            line["trigger"].as_str().unwrap(),
            line["generation"].as_u64().unwrap(),
        )
    });
    assert_eq!(rotations.collect::<Vec<_>>(), [("exchange", "consent", 1), ("refresh", "operator", 2)]);
    house.close().await;
}

/// Something of everything: calls that succeed and fail, a batch, a rotation of each kind, one that is refused.
async fn bring_about(house: &House) {
    let ada = house.consent(Provider::Evercam, "ada").await;
    ask_until_rotated(house, &ada).await;
    until_due(house, &ada).await;
    let requests = vec![ask(&ada), ask(&house.key(Provider::Evercam, "nobody"))];
    let batch = BatchGetAccessTokensRequest { requests };
    house.client.tokens().batch_get_access_tokens(batch).await.unwrap();
    house.vend(&house.key(Provider::Evercam, "nobody")).await.unwrap_err();
    let dead = FaultBody::Json(json!({ "error": "invalid_grant" }));
    let refused = Fault::respond(Endpoint::Refresh, When::BeforeCommit, 400, dead);
    house.simulator(Provider::Evercam).faults().push(refused);
    house.client.refresh(&ada).await.unwrap_err();
}

async fn until_logged(house: &House, words: &str) {
    let waiting = async {
        while !house.child_log().contains(words) {
            tokio::time::sleep(super::PAUSE).await;
        }
    };
    tokio::time::timeout(broker_e2e::LONGEST_WAIT, waiting).await.expect("it is never logged");
}

/// Waits until the scheduler has refreshed it once: nobody asks meanwhile.
async fn until_due(house: &House, key: &GrantKey) {
    let generation = house.client.grant(key).await.unwrap().generation;
    let waiting = async {
        while house.client.grant(key).await.unwrap().generation == generation {
            tokio::time::sleep(super::PAUSE).await;
        }
    };
    tokio::time::timeout(broker_e2e::LONGEST_WAIT, waiting).await.expect("the scheduler refreshes nothing");
}

/// The lines of each event.
fn wide_events(log: &str) -> BTreeMap<String, Vec<Map<String, Value>>> {
    let mut events: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for line in log.lines() {
        let Ok(Value::Object(line)) = serde_json::from_str(line) else { panic!("no JSON: {line}") };
        if let Some(event) = line.get("event").and_then(Value::as_str) {
            events.entry(event.to_owned()).or_default().push(line);
        }
    }
    events
}

/// The keys of each `## event` of the document: what stands in backticks at the beginning of its table's rows.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/log-events.md");
    let document = fs::read_to_string(path).unwrap();
    let mut events = BTreeMap::new();
    for section in document.split("\n## ").skip(1) {
        let (title, rest) = section.split_once('\n').unwrap();
        let Some(event) = title.strip_prefix('`').and_then(|title| title.strip_suffix('`')) else { continue };
        let rows = rest.lines().filter_map(|line| line.strip_prefix("| `"));
        let keys = rows.map(|row| row.split_once('`').unwrap().0.to_owned()).collect();
        events.insert(event.to_owned(), keys);
    }
    assert_eq!(events.keys().collect::<Vec<_>>(), ["rotation", "rpc"]);
    events
}
