//! A policy made at one replica holds at all of them, with or without their store.

use std::time::{Duration, Instant};

use broker_e2e::client::vending_policy;
use broker_e2e::{Client, Fleet, LONGEST_WAIT, Site, ask};
use broker_proto::v1::{GrantKey, Reason};
use tonic::Code;

use super::patience::PAUSE;
use crate::BINARY;

/// What the contract promises.
const EVERYWHERE_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_policy_holds_at_every_replica_within_two_seconds_and_while_the_store_is_away() {
    let fleet = Fleet::plan(BINARY).replicas(2).enforce("").start().await;
    let key = fleet.consents(Site::Strict, 0..1).await.remove(0);
    let [here, there] = [0, 1].map(|replica| fleet.client(replica).named("jwt:ci"));
    assert!(!may_vend(&here, &key).await && !may_vend(&there, &key).await);

    let policy = fleet.client(0).create_policy(vending_policy("jwt:ci", "acme")).await.unwrap();
    let made = Instant::now();
    assert!(may_vend(&here, &key).await, "at once where it was made");
    until(&there, &key, true).await;
    assert!(made.elapsed() < EVERYWHERE_WITHIN, "{:?}", made.elapsed());

    fleet.postgres.stop_immediate().await;
    assert!(may_vend(&there, &key).await, "the last policies stand, and the token is cached");
    assert!(!may_vend(&there.named("jwt:cd"), &key).await);
    fleet.postgres.start_again().await;

    deleted_patiently(fleet.client(0), &policy.policy_id).await;
    let gone = Instant::now();
    assert!(!may_vend(&here, &key).await, "at once where it was deleted");
    until(&there, &key, false).await;
    assert!(gone.elapsed() < EVERYWHERE_WITHIN, "{:?}", gone.elapsed());
    fleet.close().await;
}

async fn may_vend(client: &Client, key: &GrantKey) -> bool {
    match client.token(ask(key)).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!((error.code(), error.reason()), (Code::PermissionDenied, Some(Reason::AccessDenied)));
            false
        }
    }
}

async fn until(client: &Client, key: &GrantKey, may: bool) {
    let asking = async {
        while may_vend(client, key).await != may {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, asking).await.expect("the other replica never learns of it");
}

/// The first calls after the server's return find dead connections.
async fn deleted_patiently(client: &Client, policy_id: &str) {
    let deleting = async {
        while let Err(error) = client.delete_policy(policy_id).await {
            assert_eq!(error.code(), Code::Unavailable, "{error}");
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, deleting).await.expect("the store never comes back");
}
