//! SIGTERM while a provider takes its time.

use std::time::{Duration, Instant};

use broker_e2e::{House, LONGEST_WAIT, Provider, http};
use provider_sim::{Endpoint, Fault, When};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::{TcpListener, TcpStream};

use super::until;
use crate::BINARY;
use broker_e2e::raw::{END_HEADERS, END_STREAM, GET_TOKEN, GOAWAY, HEADERS, Raw, call, frame};

/// Shorter than a process that is asked once waits for its collector.
const LAST_TELEMETRY: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draining_broker_sends_callers_elsewhere_and_finishes_the_rotation_under_way() {
    let mut house = House::plan().child(BINARY).open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let (simulator, probes) = (house.simulator(Provider::Evercam), house.http());
    // As slow as it likes: 30 s or more.
    simulator.faults().push(Fault::hang(Endpoint::Refresh, When::BeforeCommit));
    let mut idle = Raw::connect(house.grpc()).await;
    idle.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &call(GET_TOKEN))).await;
    assert!(idle.until(|heard| heard.kind == HEADERS).await.is_some());

    let draining = async {
        let presented =
            |journal: &provider_sim::Journal| journal.count(|e| e.endpoint == Endpoint::Refresh) == 1;
        simulator.journal().wait_for(presented, LONGEST_WAIT).await.unwrap();
        terminate(&house);
        // Whoever is connected is told, and whoever connects finds nobody: a client goes to another replica.
        assert!(idle.until(|heard| heard.kind == GOAWAY).await.is_some());
        until("a closed door", async || TcpStream::connect(house.grpc()).await.is_err()).await;
        let (status, told) = http::get(probes, "/readyz", "").await;
        assert_eq!((status, told.ends_with("draining\n")), (503, true), "{told}");
        assert_eq!(http::get(probes, "/livez", "").await.0, 200, "it lives, and must not be killed");
        assert_eq!(http::get(probes, "/metrics", "").await.0, 200);
        assert_eq!(simulator.journal().refreshes(), 0, "the rotation is under way all that time");
        simulator.faults().clear();
    };
    let (answer, ()) = tokio::join!(house.client.refresh(&key), draining);

    assert_eq!(answer.unwrap().generation, 2, "the call under way is answered");
    house.ended().await;
    house.restart().await;
    assert_eq!(house.vend(&key).await.unwrap().generation, 2);
    assert_eq!(house.simulator(Provider::Evercam).journal().max_presentations(), 1);
    house.close().await;
}

fn terminate(house: &House) {
    let pid = Pid::from_raw(i32::try_from(house.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_the_wait_for_a_collector() {
    // It takes connections and says nothing.
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = collector.local_addr().unwrap();
    let telemetry = format!("[telemetry]\notlp_endpoint = \"http://{address}\"\n");
    let mut house = House::plan().child(BINARY).sections(&telemetry).open().await;
    house.consent(Provider::Evercam, "ada").await;
    terminate(&house);
    until("the end", async || house.child_log().contains("\"stopped\"")).await;
    terminate(&house);
    let asked_again = Instant::now();
    house.ended().await;
    let took = asked_again.elapsed();
    assert!(took < LAST_TELEMETRY, "it took {took:?} after it was asked again");
    house.restart().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_the_wait_for_a_provider_and_the_next_start_settles_what_was_under_way() {
    let mut house = House::plan()
        .child(BINARY)
        .rotation("connect_timeout", "1s")
        .rotation("provider_timeout", "8s")
        .rotation("lease_ttl", "10s")
        .rotation("orphan_wait", "10s")
        .rotation("tick", "100ms")
        .open()
        .await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let simulator = house.simulator(Provider::Evercam);
    let (journal, faults) = (simulator.journal().clone(), simulator.faults().clone());
    faults.push(Fault::hang(Endpoint::Refresh, When::BeforeCommit));
    let hurrying = async {
        let presented =
            |journal: &provider_sim::Journal| journal.count(|e| e.endpoint == Endpoint::Refresh) == 1;
        journal.wait_for(presented, LONGEST_WAIT).await.unwrap();
        terminate(&house);
        until("the wait for it", async || house.child_log().contains("waiting for 1 attempts")).await;
        terminate(&house);
    };
    let (answer, ()) = tokio::join!(house.client.refresh(&key), hurrying);
    assert!(answer.is_err(), "nobody is left to answer");
    house.ended().await;
    assert_eq!(house.open_attempts().await, 1, "it was not waited for");
    assert!(house.child_log().contains("ending now"), "and that is told");

    faults.clear();
    house.restart().await;
    until("its outcome", async || house.client.grant(&key).await.unwrap().generation == 2).await;
    let token = house.vend(&key).await.unwrap();
    assert_eq!(house.api_status(Provider::Evercam, &token).await, 200);
    assert_eq!((journal.refreshes(), journal.max_presentations()), (1, 2));
    house.close().await;
}
