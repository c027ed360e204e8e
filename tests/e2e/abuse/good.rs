//! A well-behaved client who goes on meanwhile, and what the broker takes of the machine.

use std::fs;

use broker_e2e::{Client, House, LONGEST_WAIT, Provider, ask};
use broker_proto::v1::GrantKey;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::BINARY;

/// What a broker may grow by under attack, in bytes.
pub(crate) const GROWTH: u64 = 96 << 20;

/// Calls before, and calls after which the attack has had its effect.
const CALLS: usize = 25;

/// A broker as a process of its own, with these lines of `[limits]`, and a grant.
pub(super) async fn attacked(limits: &str) -> (House, GrantKey) {
    let sections = format!("[limits]\n{limits}");
    let house = House::plan().sections(&sections).child(BINARY).open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    house.vend(&key).await.unwrap();
    (house, key)
}

/// Calls until the attack is over, and a little longer. Answers how much the broker grew at most, in bytes. Every call must
/// be answered.
pub(super) async fn unimpressed<T>(
    house: &House,
    key: &GrantKey,
    attack: impl Future<Output = T>,
) -> (T, u64) {
    calls(&house.client, key).await;
    let (before, over, tasks) = (memory(house.pid()), CancellationToken::new(), TaskTracker::new());
    let (client, pid, key_of_task, stop) = (house.client.clone(), house.pid(), key.clone(), over.clone());
    let goes_on = tasks.spawn(async move {
        let mut most = 0;
        while !stop.is_cancelled() {
            call(&client, &key_of_task).await;
            most = most.max(memory(pid));
        }
        most
    });
    let result = attack.await;
    // Whoever connects now is served as well.
    calls(&Client::connect(house.grpc()).await, key).await;
    over.cancel();
    let most = tokio::time::timeout(LONGEST_WAIT, goes_on).await.unwrap().unwrap();
    (result, most.saturating_sub(before))
}

async fn calls(client: &Client, key: &GrantKey) {
    for _ in 0..CALLS {
        call(client, key).await;
    }
}

/// A call that is answered. What the broker answers has a reason; what has none broke with its connection, which was just told
/// to end, and is made again: the client that comes with the broker does that by itself.
async fn call(client: &Client, key: &GrantKey) {
    let mut broken = Vec::new();
    for _ in 0..3 {
        match client.token(ask(key)).await {
            Err(unsent) if unsent.reason().is_none() => broken.push(unsent),
            answer => {
                answer.expect("a good client is answered");
                return;
            }
        }
    }
    panic!("a good client gets no call onto its way: {broken:?}");
}

/// The resident set, in bytes.
pub(crate) fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
