//! The way through the page, and what it says where there is none.

use broker_e2e::Provider;
use broker_proto::v1::AuthorizationState;

use super::stage::{RETURN_TO, Stage, location, value_of};

#[tokio::test]
async fn a_user_comes_back_to_the_broker_and_the_product_completes() {
    for provider in Provider::ALL {
        let stage = Stage::open(provider).await;
        let link = stage.link().await;
        assert_eq!(stage.state(&link).await, AuthorizationState::Pending);

        let (status, answer) = stage.follow(&link).await;
        let on = location(&answer).unwrap();
        assert_eq!(status, 303);
        assert!(on.as_str().starts_with(&format!("{RETURN_TO}&authorization_id={}", link.id)), "{on}");
        assert!(!answer.contains(&link.value("code")) && !answer.contains(&link.value("state")));
        for header in ["cache-control: no-store", "referrer-policy: no-referrer", "frame-ancestors 'none'"] {
            assert!(answer.contains(header), "{header} in {answer}");
        }
        assert_eq!(stage.state(&link).await, AuthorizationState::AwaitingCompletion);
        assert_eq!(stage.token_requests(), 0, "nobody has said whose it is");

        let code = value_of(&on, "completion_code").unwrap();
        let grant = stage.complete(&link.key, &link.id, &code).await.unwrap();
        assert_eq!((grant.generation, stage.token_requests()), (1, 1));
        assert_eq!(stage.state(&link).await, AuthorizationState::Completed);
        assert_eq!(stage.house.vend(&link.key).await.unwrap().generation, 1);
        stage.house.close().await;
    }
}

#[tokio::test]
async fn the_product_may_still_receive_callbacks_itself() {
    for provider in Provider::ALL {
        let stage = Stage::open(provider).await;
        let link = stage.product_link().await;
        let grant = stage.house.client.complete(&link.key, link.callback.as_str()).await.unwrap();
        assert_eq!(grant.generation, 1);
        stage.house.close().await;
    }
}

#[tokio::test]
async fn a_refusal_is_told_to_the_product_without_a_code() {
    let stage = Stage::open(Provider::Evercam).await;
    let link = stage.refusal().await;
    let (status, answer) = stage.follow(&link).await;
    let on = location(&answer).unwrap();
    assert_eq!((status, value_of(&on, "error").as_deref()), (303, Some("access_denied")));
    assert_eq!(value_of(&on, "completion_code"), None);
    assert_eq!(stage.state(&link).await, AuthorizationState::Denied);

    let other = stage.refusal().await;
    let failed = other.path().replace("error=access_denied", "error=%3Cscript%3E");
    let on = location(&stage.send("GET", &failed).await.1).unwrap();
    assert_eq!(value_of(&on, "error").as_deref(), Some("server_error"), "the provider's words go no further");
    assert_eq!(stage.state(&other).await, AuthorizationState::Failed);
    stage.house.close().await;
}

#[tokio::test]
async fn without_a_place_to_return_to_the_page_shows_the_code() {
    let stage = Stage::open(Provider::EagleEye).await;
    let link = stage.link_without_return().await;
    let (status, page) = stage.follow(&link).await;
    assert_eq!((status, location(&page)), (200, None));
    assert!(page.contains("<html lang=\"de\">"), "{page}");
    let code = page.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    stage.house.remember(|canaries| canaries.add("completion_code", code.as_bytes()));
    assert_eq!(stage.complete(&link.key, &link.id, code).await.unwrap().generation, 1);
    stage.house.close().await;
}
