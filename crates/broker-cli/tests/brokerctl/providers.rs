use broker_proto::v1::{Breaker, BreakerState, ListProvidersResponse, Provider, RotationKind};

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

#[tokio::test]
async fn providers_line_up_and_open_breakers_say_why() {
    let broker = FakeBroker::start().await;
    let closed = Some(Breaker { state: BreakerState::Closed.into(), ..Default::default() });
    let open = Some(Breaker {
        state: BreakerState::Open.into(),
        open_time: Some("2020-01-01T00:00:00Z".parse().unwrap()),
        retry_time: Some("2020-01-01T00:00:05Z".parse().unwrap()),
        note: "it throttles".into(),
    });
    let provider = |name: &str, circuit_breaker| Provider {
        provider: name.into(),
        adapter: "oauth2".into(),
        circuit_breaker,
        fleet_breaker: closed.clone(),
        rotation_kind: RotationKind::Grace.into(),
        grace: Some(prost_types::Duration { seconds: 30, nanos: 0 }),
        ..Default::default()
    };
    let providers = vec![provider("ill", open), provider("well", closed.clone())];
    let answer = ListProvidersResponse { providers, ..Default::default() };
    broker.scripts.list_providers.will_answer(Ok(answer));
    let run = ctl(&broker, "providers list").await;
    let lines: Vec<&str> = run.stdout.lines().collect();
    let (connection, rotation) = (lines[0].find("CONNECTION").unwrap(), lines[0].find("ROTATION").unwrap());
    assert!(lines[1][connection..].starts_with("OPEN ") && lines[2][connection..].starts_with("CLOSED"));
    assert!(lines[1][rotation..].starts_with("GRACE 30s"), "{run:?}");
    let why = "ill connection OPEN since 2020-01-01T00:00:00Z (";
    assert!(run.stderr.starts_with(why) && run.stderr.ends_with(": it throttles\n"), "{run:?}");
}
