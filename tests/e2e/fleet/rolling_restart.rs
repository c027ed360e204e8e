//! Every replica is restarted, one after the other, while services ask for tokens and grants rotate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use broker_e2e::fleet::Plan;
use broker_e2e::{Fleet, LONGEST_WAIT, Site, ask};
use broker_proto::client::{Options, Replicas, TokenClient, TokenError};
use broker_proto::v1::GrantKey;
use provider_sim::{Endpoint, Fault};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tonic::transport::Endpoint as Address;

use crate::BINARY;

const GRANTS: usize = 40;
/// So many are asked for in a second.
const RATE: usize = 200;
/// Of those, in a hundred: fewer would be another load than the one that is meant.
const ASKED_PER_CENT: usize = 95;
/// Of every token: each grant rotates several times while the replicas are restarted.
const LIFE: Duration = Duration::from_secs(6);
/// Between two restarts: services are back at the replica, and grants rotate there.
const SETTLES: Duration = Duration::from_secs(2);

/// What services saw.
struct Seen {
    calls: usize,
    failed: Vec<TokenError>,
    slowest: Duration,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "200 calls a second need the machine to themselves: `cargo xtask test --only rolling-restart`"]
async fn no_call_fails_and_no_grant_is_lost_while_all_replicas_are_restarted() {
    let fleet = plan().replicas(3).start().await;
    restart_all_under_load(fleet, &[0, 1, 2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "200 calls a second need the machine to themselves: `cargo xtask test --only rolling-restart`"]
async fn nor_where_processes_that_vend_and_those_that_rotate_are_apart() {
    let fleet = plan().roles(&["rotator", "rotator", "api", "api"]).start().await;
    restart_all_under_load(fleet, &[2, 3]).await;
}

fn plan() -> Plan {
    Fleet::plan(BINARY).children().scheduler().rotation("tick", "200ms")
}

/// `vending` are the replicas that services ask.
async fn restart_all_under_load(mut fleet: Fleet, vending: &[usize]) {
    let life = serde_json::json!({ "expires_in": LIFE.as_secs() });
    for endpoint in [Endpoint::Exchange, Endpoint::Refresh] {
        fleet.simulator(Site::Strict).faults().push(Fault::rewrite(endpoint, life.clone()).forever());
    }
    let keys = fleet.consents(Site::Strict, 0..GRANTS).await;
    let addresses = fleet.stay();
    let replicas = replicas(vending.iter().map(|replica| addresses[*replica]));

    let (asked, load) = (Arc::new(AtomicUsize::new(0)), load(replicas, keys.clone()));
    let mut load_task = JoinSet::new();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    load_task.spawn(load.until(stopped, asked.clone()));
    until_asked(&asked, RATE).await;
    let (before, began) = (asked.load(Ordering::Relaxed), Instant::now());
    for replica in 0..addresses.len() {
        let ended = fleet.take(replica).terminate().await;
        assert!(ended.success(), "{ended}");
        fleet.restart(replica).await;
        tokio::time::sleep(SETTLES).await;
    }
    let (during, took) = (asked.load(Ordering::Relaxed) - before, began.elapsed());
    stop.send(()).unwrap();
    let seen = load_task.join_next().await.unwrap().unwrap();

    let refreshes = fleet.simulator(Site::Strict).journal().refreshes();
    eprintln!("{} calls and {refreshes} rotations in {took:?}, slowest call {:?}", seen.calls, seen.slowest);
    assert_eq!(seen.failed.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
    let planned = took.as_secs_f64() * RATE as f64;
    let per_cent = 100.0 * during as f64 / planned;
    assert!(per_cent >= ASKED_PER_CENT as f64, "asked {during} times, {per_cent:.1} % of what was planned");
    assert!(refreshes > GRANTS, "grants rotated meanwhile");
    all_are_alive(&fleet, &keys, vending[0]).await;
    fleet.close().await;
}

fn replicas(addresses: impl Iterator<Item = SocketAddr>) -> Replicas {
    Replicas::of(addresses.map(|address| Address::from_shared(format!("http://{address}")).unwrap()))
}

/// Tokens work at the provider, and no refresh token was shown twice.
async fn all_are_alive(fleet: &Fleet, keys: &[GrantKey], replica: usize) {
    fleet.simulator(Site::Strict).faults().clear();
    for key in keys {
        let token = super::patience::vend_patiently(fleet.client(replica), key).await.unwrap();
        assert_eq!(fleet.api_status(Site::Strict, &token).await, 200);
        assert_eq!(fleet.client(replica).token(ask(key)).await.unwrap().grant_id, token.grant_id);
    }
    assert_eq!(fleet.simulator(Site::Strict).journal().max_presentations(), 1);
}

async fn until_asked(asked: &AtomicUsize, count: usize) {
    super::patience::until("load", async || asked.load(Ordering::Relaxed) >= count).await;
}

/// Services that have just started: each asks for its first token, over connections that all share.
struct Load {
    replicas: Replicas,
    keys: Vec<GrantKey>,
}

fn load(replicas: Replicas, keys: Vec<GrantKey>) -> Load {
    Load { replicas, keys }
}

impl Load {
    async fn until(self, stopped: tokio::sync::oneshot::Receiver<()>, asked: Arc<AtomicUsize>) -> Seen {
        let mut ticks = interval(Duration::from_secs(1) / u32::try_from(RATE).unwrap());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (mut calls, mut turn) = (JoinSet::new(), self.keys.iter().cycle());
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                _ = &mut stopped => break,
                _ = ticks.tick() => {}
            }
            calls.spawn(first_token(self.replicas.clone(), turn.next().unwrap().clone()));
            asked.fetch_add(1, Ordering::Relaxed);
        }
        let ended = tokio::time::timeout(2 * LONGEST_WAIT, calls.join_all()).await.expect("a call hangs");
        let slowest = ended.iter().map(|(took, _)| *took).max().unwrap_or_default();
        let calls = ended.len();
        Seen { calls, failed: ended.into_iter().filter_map(|(_, answer)| answer.err()).collect(), slowest }
    }
}

async fn first_token(replicas: Replicas, key: GrantKey) -> (Duration, Result<(), TokenError>) {
    let options = Options {
        min_validity: Duration::from_secs(1),
        // It ends before it would open a stream.
        collect_keys_for: 60 * LONGEST_WAIT,
        ..Options::default()
    };
    let began = Instant::now();
    let answer = TokenClient::new(replicas, options).token(&key).await;
    (began.elapsed(), answer.map(drop))
}
