//! However many ask at once, the provider is asked once.

use std::collections::BTreeSet;
use std::time::Duration;

use broker_e2e::{Client, House, Provider, ask};
use broker_proto::v1::Reason;
use futures_util::future::join_all;
use provider_sim::{Endpoint, Fault, When};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_two_callers_of_an_expired_token_cause_one_refresh() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        let simulator = house.simulator(provider);
        // Slow enough that every caller is there before the answer is.
        simulator.faults().push(Fault::latency(Endpoint::Refresh, Duration::from_millis(200)));

        let answers = join_all((0..32).map(|_| house.vend(&key))).await;

        let tokens: BTreeSet<_> = answers
            .into_iter()
            .map(|answer| answer.map(|token| (token.generation, token.access_token)).unwrap())
            .collect();
        assert_eq!(tokens.len(), 1, "{provider:?}: all are served the same token");
        assert_eq!(tokens.first().unwrap().0, 2);
        let refreshes = simulator.journal().count(|entry| entry.endpoint == Endpoint::Refresh);
        assert_eq!((refreshes, simulator.journal().max_presentations()), (1, 1), "{provider:?}");
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_connections_of_their_own_cause_one_refresh_too() {
    let house = House::open().await;
    let key = house.consent(Provider::EagleEye, "ada").await;
    house.outlive_token(Provider::EagleEye);
    let address = house.grpc();
    let clients = join_all((0..8).map(|_| Client::connect(address))).await;

    let answers = join_all(clients.iter().map(|client| client.token(ask(&key)))).await;

    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().generation == 2));
    assert_eq!(house.simulator(Provider::EagleEye).journal().max_presentations(), 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_does_not_ask_again_for_an_answer_that_was_lost() {
    for provider in Provider::ALL {
        let house = House::open().await;
        for user in 0..8 {
            let key = house.consent(provider, &format!("user-{user}")).await;
            house.outlive_token(provider);
            let lost = Fault::drop_connection(Endpoint::Refresh, When::BeforeCommit);
            house.simulator(provider).faults().push(lost);
            // Some come while the refresh runs, some as it ends, and some when its outcome is in doubt.
            for _ in 0..8 {
                let answers = join_all((0..8).map(|_| house.vend(&key))).await;
                assert!(answers.iter().all(Result::is_err), "{provider:?}: nothing was rotated");
            }
        }
        let journal = house.simulator(provider).journal();
        assert_eq!((journal.max_presentations(), journal.refreshes()), (1, 0), "{provider:?}");
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_callback_handed_over_sixteen_times_is_exchanged_once() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.key(provider, "ada");
        let (_, callback) = house.approve(&key).await;

        let answers = join_all((0..16).map(|_| house.client.complete(&key, &callback))).await;

        let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1, "{provider:?}");
        for error in refused.into_iter().map(Result::unwrap_err) {
            assert_eq!(error.reason(), Some(Reason::AuthorizationInvalid), "{error}");
            assert_eq!(error.metadata("problem"), Some("ALREADY_USED"), "{error}");
        }
        let exchanges =
            house.simulator(provider).journal().count(|entry| entry.endpoint == Endpoint::Exchange);
        assert_eq!(exchanges, 1, "{provider:?}");
        assert_eq!(house.vend(&key).await.unwrap().generation, 1);
        house.close().await;
    }
}
