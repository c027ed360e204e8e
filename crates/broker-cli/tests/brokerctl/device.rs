use std::process::Stdio;
use std::time::Duration;

use broker_proto::v1::{
    AuthorizationFailure, AuthorizationState, GetAuthorizationResponse, StartDeviceAuthorizationResponse,
};
use tokio::process::Command;
use tonic::Status;

use crate::ctl::{Run, ctl};
use crate::fake_broker::FakeBroker;

const LINE: &str = "consent device --tenant acme --provider evercam --user u-1";
const LINK: &str = "https://e.example/device";

const FUTURE: &str = "2999-01-01T00:00:00Z";
const PAST: &str = "2020-01-01T00:00:00Z";

/// The code lapses at this time.
async fn started(lapses: &str) -> FakeBroker {
    let broker = FakeBroker::start().await;
    broker.scripts.start_device_authorization.will_answer(Ok(StartDeviceAuthorizationResponse {
        authorization_id: "a-1".into(),
        user_code: "BDFG-HJKL".into(),
        verification_uri: LINK.into(),
        verification_uri_complete: format!("{LINK}?user_code=BDFG-HJKL"),
        interval: Some(prost_types::Duration { seconds: 0, nanos: 5_000_000 }),
        expire_time: Some(lapses.parse().unwrap()),
    }));
    broker
}

fn stands(state: AuthorizationState) -> Result<GetAuthorizationResponse, Status> {
    Ok(GetAuthorizationResponse { authorization_id: "a-1".into(), state: state.into(), ..Default::default() })
}

/// Pending twice, then this.
async fn ends(answer: Result<GetAuthorizationResponse, Status>, line: &str) -> Run {
    let broker = started(FUTURE).await;
    let answers = [stands(AuthorizationState::Pending), stands(AuthorizationState::Pending), answer];
    answers.into_iter().for_each(|answer| broker.scripts.get_authorization.will_answer(answer));
    let run = ctl(&broker, line).await;
    let asked = broker.scripts.get_authorization.requests();
    assert_eq!(asked.len(), 3, "{run:?}");
    assert!(
        asked
            .iter()
            .all(|asked| (asked.tenant_id.as_str(), asked.authorization_id.as_str()) == ("acme", "a-1"))
    );
    run
}

#[tokio::test]
async fn the_code_is_told_and_the_approval_waited_for() {
    let run = ends(stands(AuthorizationState::Completed), LINE).await;
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!((run.fact("authorization"), run.fact("state")), ("a-1", "COMPLETED"));
    let told = format!(
        "authorization a-1\nOpen {LINK} and enter the code BDFG-HJKL\n\
         Or open {LINK}?user_code=BDFG-HJKL and compare the code shown there with the one above\n"
    );
    assert_eq!(run.stderr, told, "and no progress where there is no terminal");
}

#[tokio::test]
async fn every_other_end_has_a_message_and_an_exit_code() {
    let failed = GetAuthorizationResponse {
        failure: AuthorizationFailure::OutcomeUnknown.into(),
        ..stands(AuthorizationState::Failed).unwrap()
    };
    for (answer, code, text) in [
        (
            stands(AuthorizationState::Denied),
            10,
            "error: the user refused\n  next:   run the same command again",
        ),
        (stands(AuthorizationState::Expired), 11, "error: nobody entered the code in time\n  next:   run"),
        (Ok(failed), 12, "error: the authorization failed: OUTCOME_UNKNOWN\n  next:   the broker's log"),
    ] {
        let run = ends(answer, LINE).await;
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{run:?}");
        assert!(run.stderr.contains(text), "{run:?}");
    }
}

#[tokio::test]
async fn programs_get_the_end_as_json_and_nothing_else_on_standard_output() {
    for (state, code) in [(AuthorizationState::Completed, 0), (AuthorizationState::Denied, 10)] {
        let run = ends(stands(state), &format!("{LINE} -o json")).await;
        let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((run.code, json["state"].as_str()), (code, Some(state.as_str_name())), "{run:?}");
        assert!(run.stderr.contains("enter the code BDFG-HJKL"), "{run:?}");
    }
}

#[tokio::test]
async fn what_is_asked_for_is_sent() {
    let broker = started(FUTURE).await;
    broker.scripts.get_authorization.will_answer(stands(AuthorizationState::Completed));
    let flags = "--account left --scope a --scope b --allow-account-change --registration tv";
    ctl(&broker, &format!("{LINE} {flags}")).await;
    let asked = broker.scripts.start_device_authorization.requests().remove(0);
    assert_eq!(
        [&asked.tenant_id, &asked.provider, &asked.user_id, &asked.account, &asked.registration_id],
        ["acme", "evercam", "u-1", "left", "tv"]
    );
    assert_eq!((asked.scopes.join(" "), asked.allow_account_change), ("a b".to_owned(), true));
}

#[tokio::test]
async fn a_broker_that_restarts_is_waited_for_while_the_code_lives() {
    for (lapses, code) in [(FUTURE, 0), (PAST, 5)] {
        let broker = started(lapses).await;
        broker.scripts.get_authorization.will_answer(Err(Status::unavailable("restarting")));
        broker.scripts.get_authorization.will_answer(stands(AuthorizationState::Completed));
        let run = ctl(&broker, LINE).await;
        assert_eq!(run.code, code, "{lapses}: {run:?}");
    }
}

#[tokio::test]
async fn what_a_provider_calls_a_code_does_not_steer_the_terminal() {
    let broker = FakeBroker::start().await;
    broker.scripts.start_device_authorization.will_answer(Ok(StartDeviceAuthorizationResponse {
        user_code: "A\u{1b}[2JB".into(),
        verification_uri: format!("{LINK}\r\n"),
        interval: Some(prost_types::Duration { seconds: 0, nanos: 5_000_000 }),
        ..Default::default()
    }));
    broker.scripts.get_authorization.will_answer(stands(AuthorizationState::Completed));
    let run = ctl(&broker, LINE).await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!run.stderr.replace('\n', "").contains(char::is_control), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 2, "{run:?}");
}

#[tokio::test]
async fn ctrl_c_ends_the_wait_and_says_how_to_go_on() {
    let broker = started(FUTURE).await;
    (0..10_000).for_each(|_| {
        broker.scripts.get_authorization.will_answer(stands(AuthorizationState::Pending));
    });
    let child = Command::new(env!("CARGO_BIN_EXE_brokerctl"))
        .args(["--endpoint", &broker.endpoint()])
        .args(LINE.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who asks how far it is has begun to listen to signals.
    let asked = async {
        while broker.scripts.get_authorization.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap();
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("sh").args(["-c", "kill -INT $0", &pid]).status().await.unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("brokerctl consent status --authorization a-1"), "{stderr}");
}
