//! Users and tenants make no series.

use std::collections::BTreeSet;

use broker_e2e::client::{registration, vending_policy};
use broker_e2e::{House, Provider};
use broker_proto::v1::GrantKey;

use super::page::Page;

const TENANTS: usize = 5;
const USERS_OF_EACH: usize = 10;
const PROVIDER: Provider = Provider::Evercam;

/// Which of them has run by now is nothing of users.
const IN_THE_BACKGROUND: &str = "db_client_operation_duration_seconds";

#[tokio::test]
async fn fifty_users_of_five_tenants_make_no_series() {
    let house = House::open().await;
    tenant(&house, 0).await;
    lives(&house, 0, 0).await;
    let before = Page::of(house.http()).await;

    for number in 0..TENANTS {
        if number > 0 {
            tenant(&house, number).await;
        }
        for user in 1..=USERS_OF_EACH {
            lives(&house, number, user).await;
        }
    }

    let after = Page::of(house.http()).await;
    assert_eq!(series(&after).difference(&series(&before)).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(!after.text.contains("user-") && !after.text.contains("tenant-"), "{}", after.text);
    let vended = format!("outcome=\"fresh\"}} {}", TENANTS * USERS_OF_EACH + 1);
    assert!(after.text.contains(&vended), "{vended} is not in {}", after.text);
    house.close().await;
}

fn series(page: &Page) -> BTreeSet<String> {
    let series = page.series.iter().filter(|(name, _)| name != IN_THE_BACKGROUND);
    series.map(|series| format!("{series:?}")).collect()
}

async fn tenant(house: &House, number: usize) {
    let tenant = format!("tenant-{number}");
    house.client.create_tenant(&tenant).await.unwrap();
    house.client.register(registration(&tenant, PROVIDER)).await.unwrap();
    house.client.create_policy(vending_policy(&tenant, &tenant)).await.unwrap();
}

/// Consent, tokens, a refresh and a refusal.
async fn lives(house: &House, tenant: usize, user: usize) {
    let key = GrantKey {
        tenant_id: format!("tenant-{tenant}"),
        user_id: format!("user-{user}"),
        ..house.key(PROVIDER, "")
    };
    let (_, callback) = house.approve(&key).await;
    house.client.complete(&key, &callback).await.unwrap();
    house.vend(&key).await.unwrap();
    house.client.refresh(&key).await.unwrap();
    let nobody = GrantKey { user_id: format!("user-{user}-nobody"), ..key };
    house.vend(&nobody).await.unwrap_err();
}
