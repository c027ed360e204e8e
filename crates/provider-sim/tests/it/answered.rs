//! The journal tells when an answer has left, whole.

use std::sync::Arc;
use std::time::Duration;

use provider_sim::{Effect, Endpoint, EvercamConfig, Fault, GrantPolicy, Journal, When};
use tokio::task::JoinSet;

use crate::een::Een;
use crate::evercam::Evercam;

const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the whole answer to the newest request has left, once its outcome is known and the client has gone on.
fn answered(journal: &Journal) -> bool {
    journal.last().unwrap().answered_micros.is_some()
}

#[tokio::test]
async fn a_whole_answer_is_noted_when_it_has_left_and_not_before_its_arrival() {
    let evercam = Evercam::demo().await;
    let before = evercam.sim.clock().micros();
    evercam.sim.clock().advance(Duration::from_secs(1));
    let (_, refresh) = evercam.grant().await;
    evercam.refresh(&refresh).await;
    let journal = evercam.sim.journal();
    journal.wait_for(answered, PATIENCE).await.unwrap();
    let entry = journal.last().unwrap();
    assert_eq!(entry.answered_micros, Some(before + 1_000_000));
    assert_eq!(entry.answered_micros, Some(entry.time * 1000));
}

#[tokio::test]
async fn an_answer_without_a_body_leaves_too() {
    let evercam = Evercam::with(|config| config.empty_revocation_response = true).await;
    let (_, refresh) = evercam.grant().await;
    assert_eq!(evercam.post("/oauth/revoke", &[("token", &refresh)]).await.body, "");
    evercam.sim.journal().wait_for(answered, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_dropped_or_cut_off_never_leaves() {
    let drop = Effect::Drop { when: When::AfterCommit };
    for effect in [drop, Effect::CutBody] {
        let een = Een::demo().await;
        let (_, refresh) = een.grant().await;
        een.sim.faults().push(Fault::new(Endpoint::Refresh, effect));
        assert!(een.try_refresh(&refresh).await.is_err());
        // The journal is complete once the simulator has stopped.
        let journal = een.sim.journal().clone();
        een.sim.shutdown().await;
        let entry = journal.last().unwrap();
        assert!(entry.committed && entry.outcome.is_some() && entry.answered_micros.is_none(), "{entry:?}");
    }
}

#[tokio::test]
async fn a_thousand_requests_wait_at_once_and_each_is_answered() {
    const REQUESTS: usize = 1_000;
    let nothing_rotates =
        |config: &mut EvercamConfig| config.grant_policy = GrantPolicy::permanent_nonrotating();
    let evercam = Arc::new(Evercam::with(nothing_rotates).await);
    let (_, refresh) = evercam.grant().await;
    let before = Fault::hang(Endpoint::Refresh, When::BeforeCommit).forever();
    evercam.sim.faults().push(before);
    let journal = evercam.sim.journal();
    let here = |journal: &Journal| journal.count(|entry| entry.endpoint == Endpoint::Refresh);
    let mut clients = JoinSet::new();
    for _ in 0..REQUESTS {
        let (evercam, refresh) = (evercam.clone(), refresh.clone());
        clients.spawn(async move { evercam.refresh(&refresh).await.status });
    }
    journal.wait_for(|journal| here(journal) == REQUESTS, PATIENCE).await.unwrap();
    assert_eq!(journal.refreshes(), 0);
    evercam.sim.faults().clear();
    assert_eq!(clients.join_all().await, [200; REQUESTS]);
    let left = |journal: &Journal| {
        journal.count(|entry| entry.endpoint == Endpoint::Refresh && entry.answered_micros.is_some())
    };
    journal.wait_for(|journal| left(journal) == REQUESTS, PATIENCE).await.unwrap();
}
