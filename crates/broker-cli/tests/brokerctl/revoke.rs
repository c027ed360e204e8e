use broker_proto::v1::{
    Grant, GrantKey, GrantState, RevocationOutcome, RevokeGrantResponse, RevokeGrantsResponse,
};

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

fn key(user: &str) -> GrantKey {
    GrantKey {
        tenant_id: "acme".into(),
        provider: "evercam".into(),
        user_id: user.into(),
        account: "default".into(),
    }
}

fn matched(count: i64, more: bool) -> RevokeGrantsResponse {
    RevokeGrantsResponse { matched_count: count, sample: vec![key("u-1"), key("u-2")], more }
}

#[tokio::test]
async fn one_grant_is_revoked_by_its_key() {
    let broker = FakeBroker::start().await;
    let grant = Grant {
        key: Some(key("u-1")),
        state: GrantState::Revoked.into(),
        revocation_outcome: RevocationOutcome::NotSupported.into(),
        ..Default::default()
    };
    broker.scripts.revoke_grant.will_answer(Ok(RevokeGrantResponse { grant: Some(grant) }));
    let run = ctl(&broker, "grants revoke --tenant acme --provider evercam --user u-1").await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("REVOKED") && run.stdout.contains("NOT_SUPPORTED"), "{run:?}");
    let asked = broker.scripts.revoke_grant.requests();
    assert_eq!(asked[0].key.as_ref().unwrap().user_id, "u-1");
}

#[tokio::test]
async fn a_dry_run_revokes_nothing() {
    let broker = FakeBroker::start().await;
    broker.scripts.revoke_grants.will_answer(Ok(matched(2, false)));
    let run = ctl(&broker, "grants revoke-all --tenant acme --state needs-consent --dry-run").await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("would revoke") && run.stdout.contains("evercam u-2"), "{run:?}");
    let asked = broker.scripts.revoke_grants.requests();
    assert!(asked.len() == 1 && asked[0].dry_run);
    let filter = asked[0].filter.as_ref().unwrap();
    assert_eq!(filter.states, [i32::from(GrantState::NeedsConsent)]);
}

#[tokio::test]
async fn many_are_revoked_only_by_somebody_who_says_so() {
    let broker = FakeBroker::start().await;
    broker.scripts.revoke_grants.will_answer(Ok(matched(2, false)));
    let run = ctl(&broker, "grants revoke-all --tenant acme").await;
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("2 grants") && run.stderr.contains("--yes"), "{run:?}");
    assert!(broker.scripts.revoke_grants.requests().iter().all(|asked| asked.dry_run));
}

#[tokio::test]
async fn it_goes_on_until_all_are_revoked() {
    let broker = FakeBroker::start().await;
    broker.scripts.revoke_grants.will_answer(Ok(matched(10_000, true)));
    broker.scripts.revoke_grants.will_answer(Ok(matched(3, false)));
    let run = ctl(&broker, "grants revoke-all --tenant acme --yes -o json").await;
    assert_eq!(run.json()["matchedCount"], "10003");
    assert_eq!(broker.scripts.revoke_grants.requests().len(), 2);
}
