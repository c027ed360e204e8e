//! Many callers report one rejected token at several replicas.

use std::time::Duration;

use broker_e2e::{Client, Fleet, Site};
use broker_proto::v1::{GrantKey, RejectedTokenOutcome, ReportRejectedTokenResponse};
use futures_util::future::join_all;

use crate::BINARY;

/// Each on a connection of its own.
const CALLERS: usize = 50;
const REPORTS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_reports_at_two_replicas_cause_one_refresh_and_a_403_none() {
    let fleet = Fleet::plan(BINARY).replicas(2).start().await;
    let keys = fleet.consents(Site::Strict, 0..1).await;
    let journal = fleet.simulator(Site::Strict).journal();
    // Nobody has asked for the token yet, so no replica remembers its age.
    fleet.database.age_tokens(Duration::from_secs(60)).await;

    let forbidden = fleet.client(0).report(&keys[0], 1, 403).await.unwrap();
    assert_eq!((forbidden.outcome(), generation(&forbidden)), (RejectedTokenOutcome::NotATokenError, 1));
    assert_eq!(journal.refreshes(), 0);

    let clients =
        join_all((0..CALLERS).map(|caller| Client::connect(fleet.replica(caller % 2).grpc()))).await;
    for answer in join_all(clients.iter().map(|client| reports(client, &keys[0]))).await.into_iter().flatten()
    {
        assert_eq!(generation(&answer), 2, "{:?}", answer.outcome());
    }
    assert_eq!((journal.refreshes(), journal.max_presentations()), (1, 1));

    let young = fleet.client(1).report(&keys[0], 2, 401).await.unwrap();
    assert_eq!((young.outcome(), generation(&young)), (RejectedTokenOutcome::TooSoon, 2));
    assert_eq!(journal.refreshes(), 1);
    fleet.close().await;
}

fn generation(answer: &ReportRejectedTokenResponse) -> u64 {
    answer.token.as_ref().unwrap().generation
}

async fn reports(client: &Client, key: &GrantKey) -> Vec<ReportRejectedTokenResponse> {
    let mut answers = Vec::new();
    for _ in 0..REPORTS {
        answers.push(client.report(key, 1, 401).await.unwrap());
    }
    answers
}
