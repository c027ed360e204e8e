use std::time::Duration;

use broker_e2e::client::read;
use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{
    GetAccessTokenRequest, GetSchedulerStatusRequest, PauseRefreshRequest, Reason, ResumeRefreshRequest,
    SchedulerStatus, ServedStaleReason, pause_refresh_request, refresh_pause, resume_refresh_request,
};
use tonic::{Code, Request};

use crate::errors::{bad_fields, refused};

fn pause_evercam(seconds: i64) -> PauseRefreshRequest {
    PauseRefreshRequest {
        target: Some(pause_refresh_request::Target::Provider("evercam".to_owned())),
        ttl: Some(prost_types::Duration { seconds, nanos: 0 }),
        note: "their maintenance".to_owned(),
    }
}

async fn status(house: &House) -> SchedulerStatus {
    let answer = house.client.admin().get_scheduler_status(GetSchedulerStatusRequest {}).await;
    read(answer).unwrap().status.unwrap()
}

#[tokio::test]
async fn a_pause_is_shown_obeyed_and_over_by_itself() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let mut request = Request::new(pause_evercam(2 * 3600));
    request.metadata_mut().insert("x-tokenbroker-principal", "grace".parse().unwrap());
    read(house.client.admin().pause_refresh(request).await).unwrap();
    let shown = status(&house).await.pauses.remove(0);
    assert_eq!(shown.target, Some(refresh_pause::Target::Provider("evercam".to_owned())));
    assert_eq!((shown.principal.as_str(), shown.note.as_str()), ("grace", "their maintenance"));
    assert_eq!(shown.expire_time.unwrap().seconds, house.clock.seconds() + 2 * 3600);

    let forever = Some(prost_types::Duration { seconds: 86_400, nanos: 0 });
    let demanding = GetAccessTokenRequest { min_validity: forever, ..ask(&key) };
    house.clock.advance(Duration::from_secs(3000));
    let token = house.vend_as(demanding).await.unwrap();
    assert_eq!(token.served_stale_reason(), ServedStaleReason::RefreshPaused);
    house.clock.advance(Duration::from_secs(600));
    let error = refused(house.vend(&key).await, Code::Unavailable, Reason::ProviderUnavailable);
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(300)));
    let waiting = status(&house).await;
    assert_eq!((waiting.due_count, waiting.in_flight_count), (1, 0));
    assert!(waiting.lag.unwrap().seconds > 600, "{waiting:?}");
    refused(house.client.refresh(&key).await, Code::Unavailable, Reason::ProviderUnavailable);

    house.clock.advance(Duration::from_secs(3600));
    assert_eq!(house.vend(&key).await.unwrap().generation, 2);
    assert_eq!(status(&house).await.pauses, []);
    house.close().await;
}

#[tokio::test]
async fn what_is_paused_is_resumed() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let target = |tenant: &str| resume_refresh_request::Target::TenantId(tenant.to_owned());
    let pause = PauseRefreshRequest {
        target: Some(pause_refresh_request::Target::TenantId("acme".to_owned())),
        ..pause_evercam(60)
    };
    read(house.client.admin().pause_refresh(pause).await).unwrap();
    refused(house.client.refresh(&key).await, Code::Unavailable, Reason::ProviderUnavailable);
    for was_paused in [true, false] {
        let request = ResumeRefreshRequest { target: Some(target("acme")) };
        let answer = read(house.client.admin().resume_refresh(request).await).unwrap();
        assert_eq!(answer.was_paused, was_paused);
    }
    assert_eq!(house.client.refresh(&key).await.unwrap().generation, 2);
    house.close().await;
}

#[tokio::test]
async fn a_pause_needs_a_target_that_is_there_and_an_end() {
    let house = House::open().await;
    let pause = async |request| read(house.client.admin().pause_refresh(request).await);
    let endless = PauseRefreshRequest { target: None, ttl: None, note: "x".repeat(257) };
    assert_eq!(bad_fields(pause(endless).await), ["target", "ttl", "note"]);
    assert_eq!(bad_fields(pause(pause_evercam(7 * 86_400 + 1)).await), ["ttl"]);
    let of = |target| PauseRefreshRequest { target: Some(target), ..pause_evercam(60) };
    let nobody = of(pause_refresh_request::Target::TenantId("nobody".to_owned()));
    refused(pause(nobody).await, Code::NotFound, Reason::GrantNotFound);
    let nowhere = of(pause_refresh_request::Target::Provider("nowhere".to_owned()));
    assert_eq!(bad_fields(pause(nowhere).await), ["provider"]);
    let aimless = ResumeRefreshRequest { target: None };
    assert_eq!(bad_fields(read(house.client.admin().resume_refresh(aimless).await)), ["target"]);
    house.close().await;
}
