use broker_proto::v1::{Grant, GrantState, ImportGrantResponse};

use crate::ctl::{ctl, ctl_with_input};
use crate::fake_broker::FakeBroker;

const KEY: &str = "--tenant acme --provider evercam --user u-1";

#[tokio::test]
async fn the_refresh_token_comes_from_standard_input() {
    let broker = FakeBroker::start().await;
    broker.scripts.import_grant.will_answer(Ok(ImportGrantResponse {
        grant: Some(Grant {
            grant_id: "g-1".into(),
            state: GrantState::Active.into(),
            refreshable: true,
            shared_upstream_account: 2,
            ..Default::default()
        }),
    }));
    let arguments = "--refresh-token-file - --verify --scope read --consent-time 2026-01-31T12:00:00Z";
    let run = ctl_with_input(&broker, &format!("grants import {KEY} {arguments}"), "secret-token\n").await;
    assert_eq!(run.fact("grant"), "g-1");
    assert_eq!((run.fact("refreshable"), run.fact("shares its account")), ("yes", "with 2 of other users"));
    let request = &broker.scripts.import_grant.requests()[0];
    assert_eq!((request.refresh_token.as_str(), request.verify), ("secret-token", true));
    assert_eq!(request.consent_time.as_ref().unwrap().seconds, 1_769_860_800);
    assert!(!request.allow_account_change);
}

#[tokio::test]
async fn a_token_is_never_an_argument() {
    let broker = FakeBroker::start().await;
    let run = ctl(&broker, &format!("grants import {KEY} --refresh-token secret-token")).await;
    assert_eq!(run.code, 2, "{run:?}");
    assert!(broker.scripts.import_grant.requests().is_empty());
}
