//! Several replicas on one Postgres ask for one token.

use std::time::Duration;

use broker_e2e::{Fleet, Site, ask};
use futures_util::future::join_all;
use provider_sim::{Endpoint, Fault};

use super::{asked, create, of_client};
use crate::BINARY;

const SITE: Site = Site::Dying;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_replicas_cause_one_token_request() {
    let fleet = Fleet::plan(BINARY).replicas(2).start().await;
    let key = fleet.keys(SITE, 0..1).remove(0);
    create(fleet.client(0), &key, of_client()).await.unwrap();
    let simulator = fleet.simulator(SITE);
    simulator.faults().push(Fault::latency(Endpoint::Token, Duration::from_millis(300)));
    let clients = fleet.clients();
    let callers = (0..8).flat_map(|_| &clients);
    let tokens = join_all(callers.map(|client| client.token(ask(&key)))).await;
    let tokens: Vec<_> = tokens.into_iter().map(|token| token.unwrap().access_token).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(asked(simulator), 1);
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_api_process_vends_what_a_rotator_mints() {
    let fleet = Fleet::plan(BINARY).roles(&["rotator", "api"]).scheduler().start().await;
    let key = fleet.keys(SITE, 0..1).remove(0);
    create(fleet.client(0), &key, of_client()).await.unwrap();
    let token = fleet.client(1).token(ask(&key)).await.unwrap();
    assert_eq!(fleet.api_status(SITE, &token).await, 401, "it is of no user");
    assert_eq!(asked(fleet.simulator(SITE)), 1);
    fleet.close().await;
}
