//! Whose page a refusal is: the tenant's where the state says whose user came, and nobody's where nobody knows.

use std::time::Duration;

use broker_e2e::client::read;
use broker_e2e::{House, Provider};
use broker_proto::v1::UpdateTenantRequest;
use prost_types::FieldMask;

use super::stage::{Link, Stage};

const NAME: &str = "Acme Cameras";
const LOGO: &str = "https://www.example.com/logo.svg";

fn pages() -> String {
    format!("[pages.tenants.acme]\ndisplay_name = \"{NAME}\"\nlogo_url = \"{LOGO}\"")
}

/// A page of that status, and whether it has the tenant's name and logo; it has both or neither.
async fn is_branded(stage: &Stage, method: &str, path: &str, status: u16) -> bool {
    let (answered, page) = stage.send(method, path).await;
    assert_eq!(answered, status, "{path}: {page}");
    let signs = [page.contains(NAME), page.contains(LOGO), page.contains("img-src https://www.example.com;")];
    assert!(signs == [true; 3] || signs == [false; 3], "{signs:?}: {page}");
    signs[0]
}

/// The callback, with another state, provider or issuer.
fn with(link: &Link, part: &str, other: &str) -> String {
    let changed = link.path().replacen(part, other, 1);
    assert_ne!(changed, link.path(), "{part}");
    changed
}

#[tokio::test]
async fn a_refusal_where_the_state_is_known_is_the_tenants_page() {
    for provider in Provider::ALL {
        let stage = Stage::furnished(House::plan().sections(&pages()), provider).await;
        let link = stage.link().await;
        let foreign = format!("{}&iss=https://evil.example", link.path());
        assert!(is_branded(&stage, "GET", &foreign, 400).await, "another issuer");
        stage.answered(&link).await;
        assert!(is_branded(&stage, "GET", &link.path(), 410).await, "used");
        let late = stage.link().await;
        stage.house.clock.advance(Duration::from_secs(601));
        assert!(is_branded(&stage, "GET", &late.path(), 410).await, "expired");
        stage.house.close().await;
    }
}

#[tokio::test]
async fn a_refusal_where_nobody_looked_for_the_state_or_found_it_is_nobodys_page() {
    let stage = Stage::furnished(House::plan().sections(&pages()), Provider::Evercam).await;
    let link = stage.link().await;
    let state = link.value("state");
    let forged = format!("{}{}", if state.starts_with('A') { "B" } else { "A" }, &state[1..]);
    let products = stage.product_link().await.value("state");
    for (why, method, path, status) in [
        ("a state that was never given", "GET", with(&link, &state, &forged), 404),
        ("half a state", "GET", with(&link, &state, &state[..21]), 404),
        ("a state of the product's own callback", "GET", with(&link, &state, &products), 404),
        ("another provider's page", "GET", with(&link, "/evercam?", "/eagle-eye?"), 404),
        ("a callback that cannot be read", "GET", with(&link, "code=", "core="), 400),
        ("another method", "POST", link.path(), 405),
    ] {
        assert!(!is_branded(&stage, method, &path, status).await, "{why}");
    }
    stage.answered(&link).await;
    stage.house.close().await;
}

#[tokio::test]
async fn without_a_name_in_the_configuration_it_is_the_one_the_tenant_was_given() {
    let stage = Stage::open(Provider::Evercam).await;
    let link = stage.link().await;
    stage.answered(&link).await;
    let before = stage.follow(&link).await.1;
    let request = UpdateTenantRequest {
        tenant_id: "acme".to_owned(),
        display_name: NAME.to_owned(),
        update_mask: Some(FieldMask { paths: vec!["display_name".to_owned()] }),
        etag: String::new(),
    };
    read(stage.house.client.admin().update_tenant(request).await).unwrap();
    let after = stage.follow(&link).await.1;
    assert_eq!((before.contains(NAME), after.contains(NAME)), (false, true), "{after}");
    stage.house.close().await;
}
