//! Callbacks that come again, at once, or too late.

use std::time::Duration;

use broker_e2e::client::read;
use broker_proto::v1::{AuthorizationState, DeleteTenantRequest, Reason, RevokeGrantRequest};
use futures_util::future::join_all;
use tonic::Code;

use super::Tally;
use crate::callback::stage::{Link, Stage};
use crate::errors::refused;

pub(super) async fn attack(tally: &mut Tally<'_>) {
    again(tally).await;
    at_once(tally).await;
    too_late(tally).await;
}

async fn again(tally: &mut Tally<'_>) {
    let stage = tally.stage;
    let link = stage.link().await;
    stage.answered(&link).await;
    let refusal = link.path().replace("code=", "error=access_denied&x=");
    let other_code = link.path().replace("code=", "code=other");
    for (attack, path) in
        [("replay", link.path()), ("replay with another code", other_code), ("replay as a refusal", refusal)]
    {
        assert_eq!(stage.send("GET", &path).await.0, 410, "{attack}");
        tally.made(attack);
    }
    assert_eq!(stage.state(&link).await, AuthorizationState::AwaitingCompletion);
    let denied = stage.refusal().await;
    assert_eq!(stage.follow(&denied).await.0, 303);
    let approved = denied.path().replace("error=access_denied", "code=stolen");
    assert_eq!(stage.send("GET", &approved).await.0, 410);
    tally.made("a code after a refusal");
    assert_eq!(completed(stage, &denied, "A").await, "ALREADY_USED");
    tally.made("completed after a refusal");
}

/// The problem of a completion.
async fn completed(stage: &Stage, link: &Link, code: &str) -> String {
    let answer = stage.complete(&link.key, &link.id, code).await;
    let error = refused(answer, Code::FailedPrecondition, Reason::AuthorizationInvalid);
    error.metadata("problem").unwrap().to_owned()
}

async fn at_once(tally: &mut Tally<'_>) {
    let link = tally.stage.link().await;
    let answers = join_all((0..8).map(|_| tally.stage.follow(&link))).await;
    let won = answers.iter().filter(|(status, _)| *status == 303).count();
    let lost = answers.iter().filter(|(status, _)| *status == 410).count();
    assert_eq!((won, lost), (1, 7));
    tally.made("eight browsers at once");
}

async fn too_late(tally: &mut Tally<'_>) {
    let stage = tally.stage;
    let (unanswered, answered) = (stage.link().await, stage.link().await);
    let code = stage.answered(&answered).await;
    stage.house.clock.advance(Duration::from_secs(601));
    assert_eq!(stage.follow(&unanswered).await.0, 410);
    tally.made("a late callback");
    assert_eq!(completed(stage, &answered, &code).await, "EXPIRED");
    tally.made("a late completion");
    for link in [&unanswered, &answered] {
        assert_eq!(stage.state(link).await, AuthorizationState::Expired);
    }
}

#[tokio::test]
async fn what_made_a_grant_makes_none_after_it_was_revoked() {
    for provider in broker_e2e::Provider::ALL {
        let stage = Stage::open(provider).await;
        let client = &stage.house.client;
        let (hosted, product) = (stage.link().await, stage.product_link().await);
        let code = stage.answered(&hosted).await;
        stage.complete(&hosted.key, &hosted.id, &code).await.unwrap();
        client.complete(&product.key, product.callback.as_str()).await.unwrap();
        for link in [&hosted, &product] {
            let request = RevokeGrantRequest { key: Some(link.key.clone()) };
            read(client.consents().revoke_grant(request).await).unwrap();
        }

        for path in [hosted.path(), hosted.path().replace("code=", "code=other")] {
            assert_eq!(stage.send("GET", &path).await.0, 410, "{provider:?}");
        }
        assert_eq!(completed(&stage, &hosted, &code).await, "ALREADY_USED");
        let replayed = client.complete(&product.key, product.callback.as_str()).await;
        let error = refused(replayed, Code::FailedPrecondition, Reason::AuthorizationInvalid);
        assert_eq!(error.metadata("problem"), Some("ALREADY_USED"));

        assert_eq!(stage.token_requests(), 2, "only what was honest");
        for link in [&hosted, &product] {
            let error = stage.house.vend(&link.key).await;
            refused(error, Code::FailedPrecondition, Reason::ConsentRequired);
        }
        stage.house.close().await;
    }
}

#[tokio::test]
async fn nothing_is_left_to_complete_of_a_tenant_that_is_deleted() {
    for provider in broker_e2e::Provider::ALL {
        let stage = Stage::open(provider).await;
        let (unanswered, answered) = (stage.link().await, stage.link().await);
        let code = stage.answered(&answered).await;
        let request = DeleteTenantRequest { tenant_id: "acme".to_owned(), ..Default::default() };
        read(stage.house.client.admin().delete_tenant(request).await).unwrap();
        assert_eq!(stage.follow(&unanswered).await.0, 410);
        assert!(stage.complete(&answered.key, &answered.id, &code).await.is_err());
        assert_eq!(stage.token_requests(), 0);
        stage.house.close().await;
    }
}
