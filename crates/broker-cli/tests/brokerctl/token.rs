use broker_proto::v1::{GetAccessTokenResponse, ServedStaleReason};
use prost_types::Timestamp;

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

const KEY: &str = "--tenant acme --provider eagle-eye --user u-1";
const TOKEN: &str = "the-access-token";

fn answer(reason: ServedStaleReason) -> GetAccessTokenResponse {
    GetAccessTokenResponse {
        access_token: TOKEN.into(),
        token_type: "Bearer".into(),
        expire_time: Some("2020-01-01T00:00:00Z".parse::<Timestamp>().unwrap()),
        api_base_url: "https://api.c001.example:443".into(),
        generation: 7,
        served_stale_reason: reason.into(),
        ..Default::default()
    }
}

async fn broker(reason: ServedStaleReason) -> FakeBroker {
    let broker = FakeBroker::start().await;
    broker.scripts.get_access_token.will_answer(Ok(answer(reason)));
    broker
}

#[tokio::test]
async fn the_table_hides_the_token() {
    let broker = broker(ServedStaleReason::RotationUncertain).await;
    let run = ctl(&broker, &format!("token get {KEY}")).await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!format!("{run:?}").contains(TOKEN));
    assert!(run.fact("expires").starts_with("2020-01-01T00:00:00Z ("), "{run:?}");
    assert!(run.fact("expires").ends_with(" ago)"), "{run:?}");
    assert_eq!(run.fact("generation"), "7");
    assert_eq!(run.fact("api base url"), "https://api.c001.example:443");
    assert_eq!(run.fact("freshness"), "stale (ROTATION_UNCERTAIN)");
}

#[tokio::test]
async fn the_token_is_shown_where_asked_for() {
    let broker = broker(ServedStaleReason::Unspecified).await;
    let run = ctl(&broker, &format!("token get --show-token {KEY}")).await;
    assert_eq!(run.fact("token"), TOKEN);
    assert_eq!(run.fact("freshness"), "fresh");
}

#[tokio::test]
async fn output_token_prints_nothing_else() {
    let broker = broker(ServedStaleReason::Unspecified).await;
    let run = ctl(&broker, &format!("token get -o token {KEY}")).await;
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("the-access-token\n", ""));
}

#[tokio::test]
async fn json_is_proto_json_with_the_token() {
    let broker = broker(ServedStaleReason::RefreshFailed).await;
    let json = ctl(&broker, &format!("token get -o json {KEY}")).await.json();
    assert_eq!(json["accessToken"], TOKEN);
    assert_eq!(json["generation"], "7");
    assert_eq!(json["expireTime"], "2020-01-01T00:00:00Z");
    assert_eq!(json["servedStaleReason"], "SERVED_STALE_REASON_REFRESH_FAILED");
}

#[tokio::test]
async fn flags_reach_the_broker() {
    let broker = broker(ServedStaleReason::Unspecified).await;
    ctl(
        &broker,
        &format!("{KEY} --account b token get --min-validity 5m --scope x --scope y --purpose test"),
    )
    .await;
    let request = &broker.scripts.get_access_token.requests()[0];
    assert_eq!(
        (
            request.tenant_id.as_str(),
            request.provider.as_str(),
            request.user_id.as_str(),
            request.account.as_str()
        ),
        ("acme", "eagle-eye", "u-1", "b")
    );
    assert_eq!(request.min_validity.map(|validity| validity.seconds), Some(300));
    assert_eq!((request.required_scopes.join(" "), request.purpose.as_str()), ("x y".to_owned(), "test"));
}
