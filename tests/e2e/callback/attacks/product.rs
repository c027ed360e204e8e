//! The same where the product's own redirect URI receives the callback.

use broker_e2e::house::hosted_redirect_uri;
use broker_proto::v1::{AuthorizationState, GrantKey, Reason};
use tonic::Code;

use super::Tally;
use crate::callback::stage::issuer;
use crate::errors::{bad_fields, refused};

pub(super) async fn attack(tally: &mut Tally<'_>) {
    let stage = tally.stage;
    let (link, other) = (stage.product_link().await, stage.product_link().await);
    let url = link.callback.as_str();
    let bare = url.split('?').next().unwrap();
    let (state, code) = (link.value("state"), link.value("code"));
    for (attack, text) in [
        ("product: no URL", String::new()),
        ("product: a path", "/callback?code=c&state=s".to_owned()),
        ("product: no state", format!("{bare}?code={code}")),
        ("product: state twice", format!("{url}&state={state}")),
        ("product: code twice", format!("{url}&code={code}")),
        ("product: code and error", format!("{url}&error=access_denied")),
        ("product: empty code", format!("{bare}?code=&state={state}")),
        ("product: neither", format!("{bare}?state={state}")),
        ("product: issuer twice", format!("{url}&iss=a&iss=b")),
    ] {
        assert_eq!(bad_fields(stage.house.client.complete(&link.key, &text).await), ["callback_url"]);
        tally.made(attack);
    }
    let mallory = GrantKey { user_id: "mallory".to_owned(), ..link.key.clone() };
    let rival = GrantKey { tenant_id: "rival".to_owned(), ..link.key.clone() };
    let forged = format!("{bare}?code={code}&state={}", "A".repeat(43));
    let crossed = format!("{bare}?code={code}&state={}", other.value("state"));
    let elsewhere = format!("https://evil.example/?code={code}&state={state}");
    let issuer = issuer(stage.provider);
    let broker = format!("{}?code={code}&state={state}", hosted_redirect_uri(stage.provider));
    for (attack, key, text, problem) in [
        ("product: another user", &mallory, url.to_owned(), "WRONG_USER"),
        ("product: another tenant", &rival, url.to_owned(), "UNKNOWN_STATE"),
        ("product: forged state", &link.key, forged, "UNKNOWN_STATE"),
        ("product: another session's state", &link.key, crossed, "WRONG_USER"),
        ("product: another host", &link.key, elsewhere, "WRONG_REDIRECT_URI"),
        ("product: the broker's page", &link.key, broker, "WRONG_REDIRECT_URI"),
        ("product: another issuer", &link.key, format!("{url}&iss=https://evil.example"), "WRONG_ISSUER"),
        ("product: an issuer with a slash more", &link.key, format!("{url}&iss={issuer}/"), "WRONG_ISSUER"),
        (
            "product: an issuer with more of a name",
            &link.key,
            format!("{url}&iss={issuer}.evil.example"),
            "WRONG_ISSUER",
        ),
        (
            "product: an issuer in upper case",
            &link.key,
            format!("{url}&iss={}", issuer.to_uppercase()),
            "WRONG_ISSUER",
        ),
    ] {
        let answer = stage.house.client.complete(key, &text).await;
        let error = refused(answer, Code::FailedPrecondition, Reason::AuthorizationInvalid);
        assert_eq!(error.metadata("problem"), Some(problem), "{attack}");
        tally.made(attack);
    }
    assert_eq!(stage.state(&link).await, AuthorizationState::Pending);
}
