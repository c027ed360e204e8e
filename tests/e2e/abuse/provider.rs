//! A provider that does not answer, and many callers who wait for it: who asks for a valid token does not notice.

use std::time::Duration;

use broker_core::Clock as _;
use broker_e2e::{House, LONGEST_WAIT, Provider, ask};
use broker_server::SystemClock;
use futures_util::future::join_all;
use provider_sim::{Endpoint, Fault, When};

use crate::BINARY;

const WAITING: usize = 200;
const USERS: usize = 20;
/// The shortest that can be said.
const SHORT_LIFE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn valid_tokens_of_the_same_and_of_another_provider_are_vended_while_others_wait() {
    let house = House::plan().child(BINARY).rotation("tick", "3650days").open().await;
    let simulator = house.simulator(Provider::Evercam);
    let life = serde_json::json!({ "expires_in": SHORT_LIFE.as_secs() });
    simulator.faults().push(Fault::rewrite(Endpoint::Exchange, life).forever());
    let mut stuck = Vec::new();
    for user in 0..USERS {
        stuck.push(house.consent(Provider::Evercam, &format!("user-{user}")).await);
    }
    simulator.faults().clear();
    let valid =
        [house.consent(Provider::Evercam, "ada").await, house.consent(Provider::EagleEye, "ada").await];
    // Longer than any latency. Nobody is refreshed but who is asked for.
    simulator.faults().push(Fault::hang(Endpoint::Refresh, When::BeforeCommit).forever());
    SystemClock.sleep_until(SystemClock.now() + SHORT_LIFE).await;
    let calls = stuck.iter().cycle().take(WAITING).map(|key| house.client.token(ask(key)));
    let waiting = join_all(calls);
    let vending = async {
        let journal = simulator.journal();
        let hung = |journal: &provider_sim::Journal| {
            journal.count(|entry| entry.endpoint == Endpoint::Refresh && entry.outcome.is_none()) == USERS
        };
        journal.wait_for(hung, LONGEST_WAIT).await.unwrap();
        // Fewer than could take as long as the broker waits for the provider.
        for _ in 0..WAITING {
            for key in &valid {
                assert_eq!(house.client.token(ask(key)).await.unwrap().generation, 1);
            }
        }
        assert_eq!(journal.refreshes(), 0, "all that while nobody who waits was answered");
        simulator.faults().clear();
    };
    let (answers, ()) = tokio::join!(waiting, vending);
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|token| token.generation == 2)));
    house.close().await;
}
