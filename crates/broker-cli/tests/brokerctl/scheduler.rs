use broker_proto::v1::{
    ClaimingHold, GetSchedulerStatusResponse, PauseRefreshResponse, RefreshPause, Replica,
    ResumeRefreshResponse, SchedulerStatus, pause_refresh_request, refresh_pause, resume_refresh_request,
};

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

fn pause() -> RefreshPause {
    RefreshPause {
        target: Some(refresh_pause::Target::Provider("evercam".into())),
        expire_time: Some("2020-01-01T00:00:00Z".parse().unwrap()),
        principal: "grace".into(),
        note: "down\x1b[2J".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_status_shows_what_is_due_in_doubt_and_paused() {
    let broker = FakeBroker::start().await;
    let status = SchedulerStatus {
        due_count: 7,
        lag: Some(prost_types::Duration { seconds: 95, nanos: 5 }),
        uncertain_count: 2,
        pauses: vec![pause()],
        replicas: vec![Replica { incarnation: "inc-1".into(), ..Default::default() }],
        hold: ClaimingHold::StoreNotAdopted.into(),
        ..Default::default()
    };
    let answer = GetSchedulerStatusResponse { status: Some(status) };
    broker.scripts.get_scheduler_status.will_answer(Ok(answer));
    let run = ctl(&broker, "scheduler status").await;
    assert_eq!((run.fact("due"), run.fact("lag"), run.fact("uncertain")), ("7", "1m 35s", "2"));
    assert!(run.fact("claiming").contains("token-broker store adopt"), "{run:?}");
    assert!(run.fact("paused").starts_with("provider evercam until 2020-01-01T00:00:00Z ("), "{run:?}");
    assert!(run.fact("paused").contains("by grace: down") && !run.stdout.contains('\x1b'), "{run:?}");
    assert!(run.fact("replica").starts_with("inc-1"), "{run:?}");
}

#[tokio::test]
async fn a_pause_has_one_target_and_a_time() {
    let broker = FakeBroker::start().await;
    broker.scripts.pause_refresh.will_answer(Ok(PauseRefreshResponse { pause: Some(pause()) }));
    let run = ctl(&broker, "scheduler pause --provider evercam --for 90m --note down").await;
    assert_eq!((run.fact("paused"), run.fact("by")), ("provider evercam", "grace"));
    let request = broker.scripts.pause_refresh.requests().remove(0);
    assert_eq!(request.target, Some(pause_refresh_request::Target::Provider("evercam".into())));
    assert_eq!((request.ttl.unwrap().seconds, request.note.as_str()), (5400, "down"));
    for line in [
        "scheduler pause --for 1h",
        "scheduler pause --tenant t --provider p --for 1h",
        "scheduler pause --tenant t",
        "scheduler pause --tenant t --for soon",
        "scheduler resume",
    ] {
        assert_eq!(ctl(&broker, line).await.code, 2, "{line}");
    }
}

#[tokio::test]
async fn resuming_says_whether_there_was_anything_to_resume() {
    let broker = FakeBroker::start().await;
    for (was_paused, said) in [(true, "yes"), (false, "no")] {
        broker.scripts.resume_refresh.will_answer(Ok(ResumeRefreshResponse { was_paused }));
        assert_eq!(ctl(&broker, "scheduler resume --tenant acme").await.fact("was paused"), said);
    }
    let request = broker.scripts.resume_refresh.requests().remove(0);
    assert_eq!(request.target, Some(resume_refresh_request::Target::TenantId("acme".into())));
}
