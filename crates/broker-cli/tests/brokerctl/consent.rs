use std::io::Write as _;

use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::{
    AuthorizationFailure, AuthorizationState, CompleteAuthorizationResponse, GetAuthorizationResponse, Grant,
    GrantState, HostedCallback, StartAuthorizationResponse,
};

use crate::ctl::{ctl, ctl_with_input};
use crate::fake_broker::FakeBroker;

const USER: &str = "--tenant acme --user u-1";

#[tokio::test]
async fn start_prints_where_to_send_the_user() {
    let broker = FakeBroker::start().await;
    broker.scripts.start_authorization.will_answer(Ok(StartAuthorizationResponse {
        authorization_id: "a-1".into(),
        authorization_url: "https://provider.example/authorize?state=s".into(),
        ..Default::default()
    }));
    let run = ctl(
        &broker,
        &format!("consent start {USER} --provider evercam --scope cameras:read --return-to web"),
    )
    .await;
    assert_eq!(run.fact("authorization"), "a-1");
    assert_eq!(run.fact("send the user to"), "https://provider.example/authorize?state=s");
    let request = &broker.scripts.start_authorization.requests()[0];
    assert_eq!((request.scopes.join(" "), request.return_to.as_str()), ("cameras:read".to_owned(), "web"));
}

#[tokio::test]
async fn the_callback_url_comes_from_standard_input() {
    let broker = completing().await;
    let url = "https://app.example/cb?code=c&state=s";
    let run = ctl_with_input(
        &broker,
        &format!("consent complete {USER} --callback-url-file -"),
        &format!("{url}\n"),
    )
    .await;
    assert_eq!(run.fact("grant"), "g-1");
    assert_eq!(callback(&broker), Callback::CallbackUrl(url.into()));
}

#[tokio::test]
async fn the_completion_code_comes_from_a_file() {
    let broker = completing().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "one-time").unwrap();
    let path = file.path().display();
    let run =
        ctl(&broker, &format!("consent complete {USER} --authorization a-1 --completion-code-file {path}"))
            .await;
    assert_eq!(run.code, 0, "{run:?}");
    let hosted = HostedCallback { authorization_id: "a-1".into(), completion_code: "one-time".into() };
    assert_eq!(callback(&broker), Callback::HostedCallback(hosted));
}

#[tokio::test]
async fn a_grant_that_cannot_be_refreshed_says_why_and_when_it_ends() {
    let broker = FakeBroker::start().await;
    let given_none = |state: GrantState| CompleteAuthorizationResponse {
        grant: Some(Grant { grant_id: "g-1".into(), state: state.into(), ..Default::default() }),
    };
    for (state, told) in [
        (GrantState::Active, "no (NO_OFFLINE_ACCESS): it ends with its access token"),
        (GrantState::Revoked, "no"),
    ] {
        broker.scripts.complete_authorization.will_answer(Ok(given_none(state)));
        let arguments = format!("consent complete {USER} --callback-url-file -");
        let run = ctl_with_input(&broker, &arguments, "https://app.example/cb?code=c&state=s\n").await;
        assert_eq!(run.fact("refreshable"), told);
    }
}

#[tokio::test]
async fn status_names_the_failure() {
    let broker = FakeBroker::start().await;
    broker.scripts.get_authorization.will_answer(Ok(GetAuthorizationResponse {
        state: AuthorizationState::Failed.into(),
        failure: AuthorizationFailure::AccountChanged.into(),
        ..Default::default()
    }));
    let run = ctl(&broker, "consent status --tenant acme --authorization a-1").await;
    assert_eq!(run.fact("state"), "FAILED (ACCOUNT_CHANGED)");
    assert_eq!(broker.scripts.get_authorization.requests()[0].authorization_id, "a-1");
}

async fn completing() -> FakeBroker {
    let broker = FakeBroker::start().await;
    let grant = Some(Grant { grant_id: "g-1".into(), ..Default::default() });
    broker.scripts.complete_authorization.will_answer(Ok(CompleteAuthorizationResponse { grant }));
    broker
}

fn callback(broker: &FakeBroker) -> Callback {
    broker.scripts.complete_authorization.requests().remove(0).callback.unwrap()
}
