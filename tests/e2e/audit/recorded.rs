//! What leaves a record.

use broker_e2e::access::policy;
use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{AuditOutcome, BatchGetAccessTokensRequest, GetAccessTokenRequest, GetTenantRequest};

use super::{VEND, events, vends, verify};

const BATCH: &str = "tokenbroker.v1.TokenService/BatchGetAccessTokens";

#[tokio::test]
async fn every_token_given_leaves_a_record_that_does_not_tell_it() {
    let house = House::plan().enforce(&policy("jwt:ci", &["vend"], "acme", "*")).open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let caller = house.client.named("jwt:ci");
    let token = caller.token(ask(&key)).await.unwrap();
    house.vend(&key).await.unwrap();
    let absent = GetAccessTokenRequest { user_id: "nobody".to_owned(), ..ask(&key) };
    let batch = BatchGetAccessTokensRequest { requests: vec![ask(&key), absent, ask(&key)] };
    caller.tokens().batch_get_access_tokens(batch).await.unwrap();

    let records = events(&house, "acme").await;
    let given: Vec<_> = records
        .iter()
        .filter(|record| {
            record.outcome() == AuditOutcome::Succeeded && [VEND, BATCH].contains(&record.action.as_str())
        })
        .collect();
    let by = |principal: &str, action: &str| {
        given.iter().filter(|record| record.principal == principal && record.action == action).count()
    };
    assert_eq!((by("jwt:ci", VEND), by("dev", VEND), by("jwt:ci", BATCH)), (1, 1, 2), "{records:?}");
    for record in &given {
        let about = record.key.as_ref().unwrap();
        assert_eq!((&about.user_id, &record.purpose), (&"ada".to_owned(), &"test".to_owned()));
        assert_eq!(record.token_fingerprint, given[0].token_fingerprint, "one token");
        assert_eq!(record.token_fingerprint.len(), 32);
    }
    let failed: Vec<_> =
        records.iter().filter(|record| record.action == BATCH && !record.reason.is_empty()).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].outcome(), failed[0].reason.as_str()), (AuditOutcome::Failed, "GRANT_NOT_FOUND"));
    assert!(!format!("{records:?}").contains(&token.access_token));

    house.outlive_token(Provider::Evercam);
    house.vend(&key).await.unwrap();
    let last = vends(&house).await.pop().unwrap();
    assert_ne!(last.token_fingerprint, given[0].token_fingerprint, "another token");
    assert_eq!(verify(&house, "acme").await.first_broken, None);
    house.close().await;
}

#[tokio::test]
async fn every_call_denied_or_failed_leaves_a_record() {
    let house = House::plan().enforce("").open().await;
    let key = house.key(Provider::Evercam, "nobody");
    let stranger = house.client.named("jwt:stranger");
    stranger.token(ask(&key)).await.unwrap_err();
    stranger.refresh(&key).await.unwrap_err();
    house.vend(&key).await.unwrap_err();
    let elsewhere = GetTenantRequest { tenant_id: "nowhere".to_owned() };
    stranger.admin().get_tenant(elsewhere).await.unwrap_err();

    let told = |records: Vec<broker_proto::v1::AuditEvent>| -> Vec<(String, String, AuditOutcome, String)> {
        let refused = records.into_iter().filter(|record| record.outcome() != AuditOutcome::Succeeded);
        refused
            .map(|record| {
                let outcome = record.outcome();
                let method = record.action.rsplit('/').next().unwrap().to_owned();
                (record.principal, method, outcome, record.reason)
            })
            .collect()
    };
    let record = |who: &str, what: &str, outcome, why: &str| {
        (who.to_owned(), what.to_owned(), outcome, why.to_owned())
    };
    assert_eq!(
        told(events(&house, "acme").await),
        [
            record("jwt:stranger", "GetAccessToken", AuditOutcome::Denied, "ACCESS_DENIED"),
            record("jwt:stranger", "RefreshGrant", AuditOutcome::Denied, "ACCESS_DENIED"),
            record("dev", "GetAccessToken", AuditOutcome::Failed, "GRANT_NOT_FOUND"),
        ]
    );
    let of_all = events(&house, "").await;
    let nowhere = of_all.iter().find(|record| record.tenant_id == "nowhere").cloned().unwrap();
    assert_eq!(
        told(vec![nowhere]),
        [record("jwt:stranger", "GetTenant", AuditOutcome::Denied, "ACCESS_DENIED")]
    );
    house.close().await;
}

#[tokio::test]
async fn what_was_recorded_survives_the_end_of_the_process() {
    let mut house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    for _ in 0..20 {
        house.vend(&key).await.unwrap();
    }
    house.stop().await;
    house.restart().await;
    assert_eq!(vends(&house).await.len(), 20);
    assert_eq!(verify(&house, "").await.first_broken, None);
    house.close().await;
}
