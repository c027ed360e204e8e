//! What has no value until something happens has one then.

use std::time::Duration;

use broker_e2e::authority::Authority;
use broker_e2e::client::read;
use broker_e2e::{House, LONGEST_WAIT, Provider};
use broker_proto::v1::rotate_keys_request::Scope;
use broker_proto::v1::{KeyKind, RotateKeysRequest};
use provider_sim::{Endpoint, Fault, FaultBody, When};

use super::documented::shows_what_is_documented;
use super::page::Page;
use crate::audit::meddle;
use crate::auth::setting::Setting;

/// Unreadable answers after which nothing of a provider is believed (rule 10).
const UNREADABLE: usize = 5;

/// After so much quiet it is believed again.
const QUIET: Duration = Duration::from_secs(15 * 60);

/// Lets time pass, second by second, until the page says so or, with `says` false, says so no more.
async fn until(house: &House, line: &str, says: bool) -> Page {
    let looking = async {
        loop {
            let page = Page::of(house.http()).await;
            if page.says(line) == says {
                return page;
            }
            house.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(LONGEST_WAIT, looking).await;
    found.unwrap_or_else(|_| panic!("the page never changes its mind about `{line}`"))
}

async fn until_shown(house: &House, line: &str) -> Page {
    until(house, line, true).await
}

#[tokio::test]
async fn a_rotation_of_keys_is_shown_while_it_runs_and_how_it_ended() {
    let house = House::open().await;
    house.consent(Provider::Evercam, "ada").await;
    // A secret in another's row does not open.
    meddle(
        &house,
        "UPDATE client_secrets SET client_secret =
             (SELECT client_secret FROM client_secrets WHERE provider = 'eagle-eye') WHERE provider = 'evercam'",
    )
    .await;
    let request =
        RotateKeysRequest { scope: Some(Scope::All(true)), kind: KeyKind::Dek.into(), ..Default::default() };
    read(house.client.admin().rotate_keys(request).await).unwrap();

    let running = until_shown(&house, "token_broker_key_rotation_running 1").await;
    shows_what_is_documented("after a key rotation", &running);
    let ended = until_shown(&house, "token_broker_key_rotation_running 0").await;
    shows_what_is_documented("after a key rotation", &ended);
    for line in ["token_broker_key_rotation_remaining 0", "token_broker_key_rotation_failed 1"] {
        assert!(ended.says(line), "{line} is not in:\n{}", ended.text);
    }
    assert!(!ended.says("token_broker_key_rotation_done 0"), "the other values open:\n{}", ended.text);
    house.close().await;
}

#[tokio::test]
async fn a_provider_that_is_not_believed_is_shown_until_it_recovers() {
    let house = House::open().await;
    let rubbish = Fault::respond(Endpoint::Refresh, When::BeforeCommit, 200, FaultBody::Html).forever();
    house.simulator(Provider::Evercam).faults().push(rubbish);
    let line = "token_broker_provider_degraded{provider=\"evercam\"} 1";
    for number in 0..UNREADABLE {
        assert!(!Page::of(house.http()).await.says(line), "after {number} answers");
        let key = house.consent(Provider::Evercam, &format!("user-{number}")).await;
        house.client.refresh(&key).await.unwrap_err();
    }
    let page = until_shown(&house, line).await;
    shows_what_is_documented("while a breaker is open", &page);
    house.clock.advance(QUIET);
    until(&house, line, false).await;
    house.close().await;
}

#[tokio::test]
async fn a_grant_that_waits_for_the_budget_of_its_provider_is_shown() {
    let budget = "requests_per_second = 0.0001\nburst = 1";
    let house = House::plan().scheduler().provider(Provider::Evercam, budget).open().await;
    for user in ["ada", "grace"] {
        house.consent(Provider::Evercam, user).await;
    }
    // Both are due, and neither token has expired.
    house.clock.advance(Duration::from_secs(2900));
    let journal = house.simulator(Provider::Evercam).journal();
    journal.wait_for(|journal| journal.refreshes() == 1, LONGEST_WAIT).await.unwrap();
    let page = until_shown(&house, "token_broker_grants_waiting{provider=\"evercam\"} 1").await;
    shows_what_is_documented("while something is due", &page);
    assert_eq!(journal.refreshes(), 1);
    house.close().await;
}

#[tokio::test]
async fn the_end_of_the_servers_certificate_is_shown() {
    let setting = Setting::mtls(&Authority::new().pem(), "").await;
    shows_what_is_documented("with TLS", &Page::read(setting.page("/metrics").await));
    setting.end().await;
}
