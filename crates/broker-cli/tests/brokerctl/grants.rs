use broker_proto::v1::{
    GetGrantResponse, Grant, GrantError, GrantErrorKind, GrantKey, GrantPhase, GrantState,
    ListAtRiskGrantsResponse, ListGrantsResponse, NeedsConsentCause, RefreshGrantResponse,
};

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

fn grant(user: &str) -> Grant {
    Grant {
        grant_id: format!("grant-of-{user}"),
        key: Some(GrantKey {
            tenant_id: "acme".into(),
            provider: "evercam".into(),
            user_id: user.into(),
            account: "default".into(),
        }),
        state: GrantState::Active.into(),
        phase: GrantPhase::Idle.into(),
        generation: 3,
        ..Default::default()
    }
}

fn sick_grant() -> Grant {
    Grant {
        state: GrantState::NeedsConsent.into(),
        phase: GrantPhase::Unspecified.into(),
        needs_consent_cause: NeedsConsentCause::LostRotation.into(),
        last_error: Some(GrantError {
            kind: GrantErrorKind::DeadToken.into(),
            time: Some("2020-01-01T00:00:00Z".parse().unwrap()),
            oauth_error: "invalid_grant".into(),
            http_status: 400,
            ..Default::default()
        }),
        ..grant("u-2")
    }
}

#[tokio::test]
async fn the_list_lines_up() {
    let broker = FakeBroker::start().await;
    let grants = vec![grant("a-long-user-id"), sick_grant()];
    broker.scripts.list_grants.will_answer(Ok(ListGrantsResponse { grants, ..Default::default() }));
    let run = ctl(&broker, "grants list --tenant acme").await;
    assert_eq!(run.code, 0, "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let state = lines[0].find("STATE").unwrap();
    assert!(lines[1][state..].starts_with("ACTIVE "), "{run:?}");
    assert!(lines[2][state..].starts_with("NEEDS_CONSENT (LOST_ROTATION)"), "{run:?}");
    assert!(lines[2].contains("DEAD_TOKEN invalid_grant HTTP 400 2020-01-01T00:00:00Z ("), "{run:?}");
    assert!(!run.stdout.contains('\x1b'), "colours only on a terminal");
}

#[tokio::test]
async fn every_page_is_read() {
    let broker = FakeBroker::start().await;
    for (user, next) in [("u-1", "page-2"), ("u-2", "")] {
        let page = ListGrantsResponse { grants: vec![grant(user)], next_page_token: next.into() };
        broker.scripts.list_grants.will_answer(Ok(page));
    }
    let line =
        "grants list --tenant acme --provider evercam --user u --state active --state needs-consent -o json";
    let json = ctl(&broker, line).await.json();
    assert_eq!(json["grants"].as_array().unwrap().len(), 2);
    assert_eq!(json.get("nextPageToken"), None);
    let requests = broker.scripts.list_grants.requests();
    assert_eq!((requests[0].page_token.as_str(), requests[1].page_token.as_str()), ("", "page-2"));
    assert_eq!((requests[1].provider.as_str(), requests[1].user_id.as_str()), ("evercam", "u"));
    assert_eq!(requests[1].states, [i32::from(GrantState::Active), i32::from(GrantState::NeedsConsent)]);
}

#[tokio::test]
async fn a_cut_list_says_so() {
    let broker = FakeBroker::start().await;
    let page = ListGrantsResponse { grants: vec![grant("u-1")], next_page_token: "page-2".into() };
    broker.scripts.list_grants.will_answer(Ok(page));
    let run = ctl(&broker, "grants list --tenant acme --limit 1").await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("--limit 0"), "{run:?}");
    assert_eq!(broker.scripts.list_grants.requests()[0].page_size, 1);
}

#[tokio::test]
async fn one_grant_is_shown() {
    let broker = FakeBroker::start().await;
    broker.scripts.get_grant.will_answer(Ok(GetGrantResponse { grant: Some(sick_grant()) }));
    let run = ctl(&broker, "grants get --tenant acme --provider evercam --user u-2").await;
    assert_eq!(run.fact("grant"), "grant-of-u-2");
    assert_eq!(run.fact("state"), "NEEDS_CONSENT (LOST_ROTATION)");
    assert_eq!(run.fact("next refresh"), "-");
    assert_eq!(broker.scripts.get_grant.requests()[0].key.as_ref().unwrap().user_id, "u-2");
}

#[tokio::test]
async fn a_grant_is_refreshed() {
    let broker = FakeBroker::start().await;
    broker.scripts.refresh_grant.will_answer(Ok(RefreshGrantResponse { grant: Some(grant("u-1")) }));
    let run = ctl(&broker, "grants refresh --tenant acme --provider evercam --user u-1").await;
    assert_eq!(run.fact("generation"), "3");
}

#[tokio::test]
async fn who_dies_soon_is_listed_in_the_order_of_their_deaths() {
    let broker = FakeBroker::start().await;
    let dying = |user: &str, at: &str, window_overrun| Grant {
        grant_expire_time: Some(at.parse().unwrap()),
        registration_id: "main".into(),
        window_overrun,
        ..grant(user)
    };
    let grants =
        vec![dying("u-1", "2020-01-01T00:00:00Z", true), dying("u-2", "2020-01-02T00:00:00Z", false)];
    broker
        .scripts
        .list_at_risk_grants
        .will_answer(Ok(ListAtRiskGrantsResponse { grants, ..Default::default() }));
    let run = ctl(&broker, "grants at-risk --tenant acme --provider evercam --within 48h").await;
    assert_eq!(run.code, 0, "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[1].contains("u-1") && lines[1].contains("lives on: its window is wrong"), "{run:?}");
    assert!(lines[2].contains("u-2") && lines[2].contains("2020-01-02T00:00:00Z"), "{run:?}");
    let asked = broker.scripts.list_at_risk_grants.requests().remove(0);
    assert_eq!((asked.within.unwrap().seconds, asked.provider.as_str()), (48 * 3600, "evercam"));
}
