//! Who completes what is not theirs, or with what is not the code.

use broker_proto::v1::{AuthorizationState, GrantKey, Reason};
use tonic::Code;

use super::Tally;
use crate::callback::stage::Stage;
use crate::errors::{bad_fields, refused};

pub(super) async fn attack(tally: &mut Tally<'_>) {
    wrong_codes(tally).await;
    wrong_people(tally).await;
    wrong_receivers(tally).await;
}

async fn problem(stage: &Stage, key: &GrantKey, id: &str, code: &str) -> String {
    let answer = stage.complete(key, id, code).await;
    let error = refused(answer, Code::FailedPrecondition, Reason::AuthorizationInvalid);
    error.metadata("problem").unwrap().to_owned()
}

async fn wrong_codes(tally: &mut Tally<'_>) {
    let stage = tally.stage;
    let (link, other) = (stage.link().await, stage.link().await);
    let (code, others) = (stage.answered(&link).await, stage.answered(&other).await);
    for (attack, wrong) in [
        ("a guessed completion code", "A".repeat(43)),
        ("another authorization's completion code", others.clone()),
        ("a completion code cut short", code[..42].to_owned()),
        ("a longer completion code", format!("{code}A")),
        ("a completion code with a space", format!("{code} ")),
        ("the state for a completion code", link.value("state")),
        ("the provider's code for a completion code", link.value("code")),
        ("the id for a completion code", link.id.clone()),
    ] {
        assert_eq!(problem(stage, &link.key, &link.id, &wrong).await, "WRONG_COMPLETION_CODE", "{attack}");
        tally.made(attack);
    }
    assert_eq!(problem(stage, &link.key, &other.id, &code).await, "WRONG_COMPLETION_CODE");
    tally.made("the completion code at another authorization");
    for (attack, wrong) in [("no completion code", String::new()), ("an oversized one", "A".repeat(257))] {
        let answer = stage.complete(&link.key, &link.id, &wrong).await;
        assert_eq!(bad_fields(answer), ["hosted_callback.completion_code"]);
        tally.made(attack);
    }
    assert_eq!(stage.state(&link).await, AuthorizationState::AwaitingCompletion, "it can still be completed");
}

async fn wrong_people(tally: &mut Tally<'_>) {
    let stage = tally.stage;
    let (link, early) = (stage.link().await, stage.link().await);
    let code = stage.answered(&link).await;
    for user in ["mallory", "USER-0", &early.key.user_id] {
        let key = GrantKey { user_id: user.to_owned(), ..link.key.clone() };
        assert_eq!(problem(stage, &key, &link.id, &code).await, "WRONG_USER");
        tally.made(&format!("completed by {user}"));
    }
    stage.house.client.create_tenant("rival").await.unwrap();
    for tenant in ["rival", "no-such-tenant"] {
        let key = GrantKey { tenant_id: tenant.to_owned(), ..link.key.clone() };
        let answer = stage.complete(&key, &link.id, &code).await;
        refused(answer, Code::NotFound, Reason::AuthorizationNotFound);
        tally.made(&format!("completed by tenant {tenant}"));
    }
    for id in ["", "no id", "00000000-0000-7000-8000-000000000000", &link.key.user_id] {
        let answer = stage.complete(&link.key, id, &code).await;
        refused(answer, Code::NotFound, Reason::AuthorizationNotFound);
        tally.made(&format!("completed at {id:?}"));
    }
    assert_eq!(problem(stage, &early.key, &early.id, &code).await, "NOT_ANSWERED");
    tally.made("completed before the user came back");
}

async fn wrong_receivers(tally: &mut Tally<'_>) {
    let stage = tally.stage;
    let (hosted, products) = (stage.link().await, stage.product_link().await);
    let code = stage.answered(&stage.link().await).await;
    let answer = stage.house.client.complete(&hosted.key, hosted.callback.as_str()).await;
    let error = refused(answer, Code::FailedPrecondition, Reason::AuthorizationInvalid);
    assert_eq!(error.metadata("problem"), Some("WRONG_RECEIVER"));
    tally.made("the product hands over a callback of the broker");
    assert_eq!(problem(stage, &products.key, &products.id, &code).await, "WRONG_RECEIVER");
    tally.made("a completion code for a callback of the product");
}
