//! Where the user consents again, told with the errors that only the user can mend.

use std::time::Duration;

use broker_e2e::client::read;
use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{GrantKey, Reason, RevokeGrantRequest};
use provider_sim::{EagleEyeConfig, GrantPolicy};
use tonic::Code;

use super::refused;
use crate::batch::batch;

const DAY: Duration = Duration::from_secs(24 * 3600);
const TEMPLATED: &str =
    "[pages]\nreconsent_url = \"https://app.example/connect?provider={provider}&user={user}\"";
const FIXED: &str = "[pages]\nreconsent_url = \"https://app.example/connect\"";

/// A grant that its user has had revoked.
async fn revoked(house: &House) -> GrantKey {
    let key = house.consent(Provider::Evercam, "ada & co").await;
    let request = RevokeGrantRequest { key: Some(key.clone()) };
    read(house.client.consents().revoke_grant(request).await).unwrap();
    key
}

#[tokio::test]
async fn a_required_consent_says_where() {
    for (section, url) in [
        (TEMPLATED, Some("https://app.example/connect?provider=evercam&user=ada%20%26%20co")),
        (FIXED, Some("https://app.example/connect")),
        ("", None),
    ] {
        let house = House::plan().sections(section).open().await;
        let key = revoked(&house).await;
        for error in [
            refused(house.vend(&key).await, Code::FailedPrecondition, Reason::ConsentRequired),
            refused(house.client.refresh(&key).await, Code::FailedPrecondition, Reason::ConsentRequired),
        ] {
            let links: Vec<_> = error.help_links().iter().map(|link| link.url.as_str()).collect();
            assert_eq!(links, Vec::from_iter(url), "{section}");
        }
        let absent = house.vend(&house.key(Provider::Evercam, "bob")).await;
        let absent = refused(absent, Code::NotFound, Reason::GrantNotFound);
        assert_eq!(absent.help_links(), [], "nobody is told who has a grant");
        house.close().await;
    }
}

#[tokio::test]
async fn in_a_batch_each_grant_has_its_own() {
    let house = House::plan().sections(TEMPLATED).open().await;
    let key = revoked(&house).await;
    let results = batch(&house, vec![ask(&key), ask(&house.key(Provider::Evercam, "bob"))]).await;
    let links: Vec<_> = results.iter().map(|result| result.as_ref().unwrap_err().help_links()).collect();
    assert_eq!(links[0][0].url, "https://app.example/connect?provider=evercam&user=ada%20%26%20co");
    assert_eq!(links[1], []);
    house.close().await;
}

#[tokio::test]
async fn a_grant_whose_window_is_over_says_where() {
    let fixed7 = EagleEyeConfig { grant_policy: GrantPolicy::fixed7(), ..EagleEyeConfig::demo() };
    let house = House::plan().eagle_eye(fixed7).sections(FIXED).open().await;
    let key = house.consent(Provider::EagleEye, "ada").await;
    house.clock.advance(8 * DAY);
    let error = refused(house.vend(&key).await, Code::FailedPrecondition, Reason::GrantExpired);
    assert_eq!(error.help_links()[0].url, "https://app.example/connect");
    house.close().await;
}
