use tonic_health::ServingStatus;

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

#[tokio::test]
async fn a_broker_that_serves() {
    let broker = FakeBroker::start().await;
    let run = ctl(&broker, "health").await;
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.fact("(the broker)"), "SERVING");
    assert_eq!(run.fact("tokenbroker.v1.TokenService"), "SERVING");
    assert_eq!(run.fact("tokenbroker.v1.EventService"), "SERVICE_UNKNOWN");
}

#[tokio::test]
async fn a_broker_that_does_not_serve() {
    let broker = FakeBroker::start_with_health(ServingStatus::NotServing).await;
    let run = ctl(&broker, "health -o json").await;
    assert_eq!(run.code, 5, "{run:?}");
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["services"][0]["status"], "NOT_SERVING");
    assert!(run.stderr.contains("not serving"), "{run:?}");
}
