//! Redis and Postgres die, forget or fall silent while grants are rotated: nothing is lost, nothing is spent twice, and
//! whoever asks for a token that is still valid gets it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use broker_e2e::{Client, Fleet, LONGEST_WAIT, Site, ask};
use broker_proto::v1::{GrantKey, GrantPhase, GrantState};
use futures_util::future::join_all;
use provider_sim::{Endpoint, Fault, Journal};
use tokio_util::sync::CancellationToken;

use super::patience::{PAUSE, refresh_patiently};
use crate::BINARY;

const ROTATING: usize = 24;
const RESTING: usize = 8;
/// Rotations that must go on before, and where they can during and after what happens.
const ROTATIONS: usize = 2 * ROTATING;
/// Tokens vended at each replica during an outage of Postgres.
const VENDS: usize = 4 * RESTING;
const POSTGRES_RESTARTS: usize = 3;
/// Vends are recorded once Postgres is back, however long that takes a slow machine. `audit::blocked` shows that they end.
const ENDURE: &str = "vends_wait = \"1h\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_outage_of_redis_or_postgres_loses_a_grant_or_spends_a_token_twice() {
    let fleet = Fleet::plan(BINARY).audit(ENDURE).start().await;
    let resting = fleet.consents(Site::Strict, 0..RESTING).await;
    let rotating = fleet.consents(Site::Strict, RESTING..RESTING + ROTATING).await;
    let slow =
        Fault::latency(Endpoint::Refresh, Duration::from_millis(50)).delay_after(Duration::from_millis(50));
    fleet.simulator(Site::Strict).faults().push(slow.forever());
    let (clients, over) = (fleet.clients(), CancellationToken::new());
    let vended = clients.iter().map(|_| AtomicUsize::new(0)).collect::<Vec<_>>();

    let rotations = join_all(rotating.iter().map(|key| rotate(&clients, key, &over)));
    let readers = clients.iter().zip(&vended).map(|(client, vended)| read(client, &resting, vended, &over));
    let deeds = async {
        hurt_redis(&fleet).await;
        for _ in 0..POSTGRES_RESTARTS {
            restart_postgres(&fleet, &vended).await;
        }
        fleet.redis.kill().await;
        restart_postgres(&fleet, &vended).await;
        fleet.redis.start_again().await;
        over.cancel();
    };
    let (generations, _, ()) = tokio::join!(rotations, join_all(readers), deeds);

    let journal = fleet.simulator(Site::Strict).journal();
    assert_eq!(journal.max_presentations(), 1, "spent twice");
    let adopted: u64 = generations.iter().map(|generation| generation - 1).sum();
    assert_eq!(adopted, u64::try_from(journal.refreshes()).unwrap(), "every answer became a token set");
    fleet.close().await;
}

/// What rotates goes on without Redis.
async fn hurt_redis(fleet: &Fleet) {
    let journal = fleet.simulator(Site::Strict).journal();
    rotations_go_on(journal).await;
    fleet.redis.kill().await;
    rotations_go_on(journal).await;
    fleet.redis.start_again().await;
    for _ in 0..3 {
        rotations_go_on(journal).await;
        fleet.flush_redis().await;
    }
    rotations_go_on(journal).await;
    fleet.redis.pause().await;
    rotations_go_on(journal).await;
    fleet.redis.resume().await;
    rotations_go_on(journal).await;
}

/// Stops it for as long as it takes that every answer under way has come, and that tokens were vended without it.
async fn restart_postgres(fleet: &Fleet, vended: &[AtomicUsize]) {
    let journal = fleet.simulator(Site::Strict).journal();
    rotations_go_on(journal).await;
    fleet.postgres.stop_immediate().await;
    let read = |vended: &AtomicUsize| vended.load(Ordering::Relaxed);
    let enough: Vec<_> = vended.iter().map(|vended| read(vended) + VENDS).collect();
    let quiet = |journal: &Journal| journal.count(|entry| entry.outcome.is_none()) == 0;
    journal.wait_for(quiet, LONGEST_WAIT).await.unwrap();
    let vending = async {
        while vended.iter().zip(&enough).any(|(vended, enough)| read(vended) < *enough) {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, vending).await.expect("valid tokens are vended without Postgres");
    fleet.postgres.start_again().await;
}

async fn rotations_go_on(journal: &Journal) {
    let enough = journal.refreshes() + ROTATIONS;
    journal.wait_for(|journal| journal.refreshes() >= enough, LONGEST_WAIT).await.unwrap();
}

/// Refreshes a grant at one replica after the other. Answers its generation at the end.
async fn rotate(clients: &[Client], key: &GrantKey, over: &CancellationToken) -> u64 {
    let mut replicas = clients.iter().cycle();
    let mut generation = 1;
    while !over.is_cancelled() {
        let client = replicas.next().unwrap();
        let grant = refresh_patiently(client, key).await.unwrap();
        assert!(grant.generation > generation, "{key:?} went from {generation} to {}", grant.generation);
        generation = grant.generation;
    }
    let grant = refresh_patiently(&clients[0], key).await.unwrap();
    assert_eq!((grant.state(), grant.phase()), (GrantState::Active, GrantPhase::Idle), "{grant:?}");
    grant.generation
}

/// Asks for tokens that are valid, again and again.
async fn read(client: &Client, resting: &[GrantKey], vended: &AtomicUsize, over: &CancellationToken) {
    for key in resting.iter().cycle() {
        if over.is_cancelled() {
            return;
        }
        let token =
            client.token(ask(key)).await.unwrap_or_else(|error| panic!("a valid token is refused: {error}"));
        assert_eq!(token.generation, 1);
        vended.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
}
