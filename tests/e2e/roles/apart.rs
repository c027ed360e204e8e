//! Vending in a process that asks another one to rotate.

use std::fs;
use std::time::Duration;

use broker_e2e::fleet::Plan;
use broker_e2e::{Fleet, LONGEST_WAIT, Site, ask, http};
use broker_proto::v1::{Reason, ServedStaleReason};
use provider_sim::{Endpoint, Fault};
use tonic::Code;

use crate::BINARY;

const ROTATOR: usize = 0;
const API: usize = 1;

fn plan() -> Plan {
    Fleet::plan(BINARY).roles(&["rotator", "api"])
}

/// Fresh tokens, one rotation however many ask, and consent that is needed.
async fn vends(fleet: &Fleet) {
    let fresh = fleet.consents(Site::Strict, 0..1).await.remove(0);
    assert_eq!(fleet.client(API).token(ask(&fresh)).await.unwrap().generation, 1);

    let keys = fleet.expired_consents(Site::Strict, 1..3).await;
    let journal = fleet.simulator(Site::Strict).journal();
    let before = journal.refreshes();
    let asks = (0..8).map(|_| fleet.client(API).token(ask(&keys[0])));
    for token in futures_util::future::join_all(asks).await {
        let token = token.unwrap();
        assert_eq!((token.generation, token.served_stale_reason()), (2, ServedStaleReason::Unspecified));
        assert_eq!(fleet.api_status(Site::Strict, &token).await, 200);
    }
    assert_eq!(journal.refreshes(), before + 1);

    let outage = Fault::too_many_requests(Endpoint::Refresh, None).forever();
    fleet.simulator(Site::Strict).faults().push(outage);
    let error = fleet.client(API).token(ask(&keys[1])).await.unwrap_err();
    assert_eq!(
        (error.code(), error.reason()),
        (Code::Unavailable, Some(Reason::ProviderUnavailable)),
        "{error}"
    );
    assert!(error.retry_delay().is_some(), "{error}");
    fleet.simulator(Site::Strict).faults().clear();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_api_process_vends_what_a_rotator_rotates() {
    let fleet = plan().start().await;
    vends(&fleet).await;
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn so_it_does_without_redis() {
    let fleet = plan().without_redis().start().await;
    vends(&fleet).await;
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_no_rotator_runs_callers_are_told_and_served_again_once_one_is_back() {
    let mut fleet = plan().start().await;
    let key = fleet.expired_consents(Site::Strict, 0..1).await.remove(0);
    fleet.take(ROTATOR).stop().await;
    let error = fleet.client(API).token(ask(&key)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.reason()),
        (Code::Unavailable, Some(Reason::BackendUnavailable)),
        "{error}"
    );
    assert!(error.retry_delay().is_some(), "{error}");
    let ready = http::get(fleet.replica(API).http(), "/readyz", "").await.1;
    assert!(ready.contains("refresh: no rotator"), "{ready}");

    fleet.restart(ROTATOR).await;
    let asking = async {
        loop {
            match fleet.client(API).token(ask(&key)).await {
                Ok(token) => return token,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    let token = tokio::time::timeout(LONGEST_WAIT, asking).await.expect("it is served again");
    assert_eq!(token.generation, 2);
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_process_serves_the_services_of_its_role() {
    let fleet = plan().start().await;
    let key = fleet.consents(Site::Strict, 0..1).await.remove(0);
    assert_eq!(fleet.client(ROTATOR).token(ask(&key)).await.unwrap_err().code(), Code::Unimplemented);
    assert_eq!(fleet.client(API).start(&key).await.unwrap_err().code(), Code::Unimplemented);
    let created = fleet.client(API).create_tenant("other").await.unwrap_err();
    assert_eq!(created.code(), Code::Unimplemented);

    let memory = fs::read(format!("/proc/{}/environ", fleet.replica(API).pid())).unwrap();
    let kek = fs::read_to_string(fleet.rotation_kek()).unwrap();
    let (_, secret) = kek.trim().split_once(':').unwrap();
    let config = fs::read_to_string(&fleet.home_of(API).config).unwrap();
    assert!(!config.contains("rotation-kek") && !String::from_utf8_lossy(&memory).contains(secret));
    assert!(!fleet.home_of(API).config.with_file_name("escrow").exists(), "it has no journal");
    fleet.close().await;
}
