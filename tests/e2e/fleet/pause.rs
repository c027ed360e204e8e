//! A pause at one replica binds the other, and so does its end.

use std::time::{Duration, Instant};

use broker_e2e::client::read;
use broker_e2e::{Fleet, LONGEST_WAIT, Site, ask};
use broker_proto::v1::{
    GetSchedulerStatusRequest, GrantKey, PauseRefreshRequest, Reason, ResumeRefreshRequest,
    pause_refresh_request, resume_refresh_request,
};
use provider_sim::{Endpoint, Fault};
use tonic::Code;

use super::patience::until;
use crate::BINARY;
use crate::errors::refused;

const GRANTS: usize = 4;
/// Short enough that the schedulers are always at work.
const LIFE: Duration = Duration::from_secs(4);
/// When every replica must obey.
const OBEYED_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pause_binds_every_replicas_scheduler_and_callers_until_it_is_over() {
    let fleet = Fleet::plan(BINARY).replicas(2).scheduler().rotation("tick", "200ms").start().await;
    let life = serde_json::json!({ "expires_in": LIFE.as_secs() });
    for endpoint in [Endpoint::Exchange, Endpoint::Refresh] {
        fleet.simulator(Site::Strict).faults().push(Fault::rewrite(endpoint, life.clone()).forever());
    }
    let keys = fleet.consents(Site::Strict, 0..GRANTS).await;
    let journal = fleet.simulator(Site::Strict).journal();
    journal.wait_for(|journal| journal.refreshes() >= 2 * GRANTS, LONGEST_WAIT).await.unwrap();

    pause(&fleet, 600).await;
    let paused = Instant::now();
    until_refused(&fleet, 1, &keys[0]).await;
    assert!(paused.elapsed() < OBEYED_WITHIN, "obeyed only after {:?}", paused.elapsed());
    refused(fleet.client(0).refresh(&keys[0]).await, Code::Unavailable, Reason::ProviderUnavailable);
    until_nothing_is_in_flight(&fleet).await;
    let before = journal.refreshes();
    for replica in [0, 1] {
        until_expired(&fleet, replica, &keys).await;
    }
    assert_eq!(journal.refreshes(), before, "every token has expired, and nobody refreshed one");
    let target = Some(resume_refresh_request::Target::Provider(Site::Strict.name().to_owned()));
    let resumed = fleet.client(1).admin().resume_refresh(ResumeRefreshRequest { target }).await;
    assert!(read(resumed).unwrap().was_paused);
    journal.wait_for(|journal| journal.refreshes() >= before + GRANTS, LONGEST_WAIT).await.unwrap();

    pause(&fleet, 1).await;
    let before = journal.refreshes();
    journal.wait_for(|journal| journal.refreshes() > before + GRANTS, LONGEST_WAIT).await.unwrap();
    assert_eq!(journal.max_presentations(), 1);
    fleet.close().await;
}

/// Pauses the provider at the first replica.
async fn pause(fleet: &Fleet, seconds: i64) {
    let request = PauseRefreshRequest {
        target: Some(pause_refresh_request::Target::Provider(Site::Strict.name().to_owned())),
        ttl: Some(prost_types::Duration { seconds, nanos: 0 }),
        note: "maintenance".to_owned(),
    };
    read(fleet.client(0).admin().pause_refresh(request).await).unwrap();
}

async fn until_refused(fleet: &Fleet, replica: usize, key: &GrantKey) {
    until("the pause", async || fleet.client(replica).refresh(key).await.is_err()).await;
}

async fn until_nothing_is_in_flight(fleet: &Fleet) {
    until("the end of what was in flight", async || {
        let status = fleet.client(0).admin().get_scheduler_status(GetSchedulerStatusRequest {}).await;
        read(status).unwrap().status.unwrap().in_flight_count == 0
    })
    .await;
}

/// Serves what it has as long as it lives, and then tells callers to come back.
async fn until_expired(fleet: &Fleet, replica: usize, keys: &[GrantKey]) {
    for key in keys {
        let mut refusal = None;
        until("the end of a token", async || {
            refusal = fleet.client(replica).token(ask(key)).await.err();
            refusal.is_some()
        })
        .await;
        let error = refusal.unwrap();
        assert_eq!(error.reason(), Some(Reason::ProviderUnavailable), "{error}");
        assert!(error.retry_delay().is_some_and(|delay| delay > Duration::from_secs(200)), "{error}");
    }
}
