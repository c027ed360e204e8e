//! SIGTERM in the middle of rotations.

use std::time::{Duration, Instant};

use broker_e2e::{Fleet, LONGEST_WAIT, Site, ask};
use futures_util::future::{join, join_all};
use provider_sim::{Endpoint, Fault, When};

use crate::BINARY;

const ROTATIONS: usize = 100;
const REPLICAS: usize = 3;
const LONGEST_END: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fleet_that_is_told_to_end_amid_a_hundred_rotations_loses_none() {
    let mut fleet = Fleet::plan(BINARY).children().replicas(REPLICAS).start().await;
    let keys = fleet.consents(Site::Strict, 0..ROTATIONS).await;
    let (clients, journal) = (fleet.clients(), fleet.simulator(Site::Strict).journal().clone());
    let faults = fleet.simulator(Site::Strict).faults().clone();
    faults.push(Fault::hang(Endpoint::Refresh, When::BeforeCommit).forever());
    let calls = keys.iter().zip(clients.iter().cycle()).map(|(key, client)| client.refresh(key));

    let ending = async {
        let presented = |journal: &provider_sim::Journal| {
            journal.count(|entry| entry.endpoint == Endpoint::Refresh) == ROTATIONS
        };
        journal.wait_for(presented, LONGEST_WAIT).await.unwrap();
        assert_eq!(journal.refreshes(), 0, "all of them are under way");
        let began = Instant::now();
        let replicas: Vec<_> = (0..REPLICAS).map(|replica| fleet.take(replica)).collect();
        let endings = join_all(replicas.into_iter().map(|replica| replica.terminate()));
        let answers = async {
            for replica in 0..REPLICAS {
                fleet.home_of(replica).until_logged("waiting for").await;
            }
            faults.clear();
        };
        let (statuses, ()) = join(endings, answers).await;
        assert!(statuses.iter().all(|status| status.success()), "{statuses:?}");
        assert!(began.elapsed() < LONGEST_END);
    };
    let (answers, ()) = join(join_all(calls), ending).await;

    assert!(
        answers.iter().all(|grant| grant.as_ref().unwrap().generation == 2),
        "calls under way are answered"
    );
    fleet.restart(0).await;
    for key in &keys {
        let token = fleet.client(0).token(ask(key)).await.unwrap();
        assert_eq!(token.generation, 2);
        assert_eq!(fleet.api_status(Site::Strict, &token).await, 200);
    }
    assert_eq!((journal.refreshes(), journal.max_presentations()), (ROTATIONS, 1));
    fleet.close().await;
}
