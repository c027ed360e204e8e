//! Keys are rotated under load, and whoever works on it is killed in the middle, twice: every vend is answered, and
//! everything opens.

mod fleet;
mod kek_file;
mod keys;
mod load;
mod scope;
mod sqlite;

use broker_e2e::client::registration;
use broker_e2e::{Client, Provider};
use broker_proto::v1::GrantKey;
use futures_util::{StreamExt as _, stream};

/// Tenants, in the order in which a rotation comes to them; most have no grant.
const TENANTS: usize = 20;
/// Every so many tenants there is one with grants.
const GRANTS_EVERY: usize = 4;
const GRANTS_EACH: usize = 30;

/// Creates the tenants, and registrations of those that have grants. Answers the keys of the grants to be.
async fn move_in(client: &Client, kin: Provider, provider: &str) -> Vec<GrantKey> {
    let mut keys = Vec::new();
    for number in 0..TENANTS {
        let tenant = format!("tenant-{number:02}");
        client.create_tenant(&tenant).await.unwrap();
        if number % GRANTS_EVERY == 0 {
            let mut registration = registration(&tenant, kin);
            registration.provider = provider.to_owned();
            client.register(registration).await.unwrap();
            keys.extend((0..GRANTS_EACH).map(|user| GrantKey {
                tenant_id: tenant.clone(),
                provider: provider.to_owned(),
                user_id: format!("user-{user}"),
                account: String::new(),
            }));
        }
    }
    keys
}

/// Walks every user through consent.
async fn consent(clients: &[Client], kin: Provider, keys: &[GrantKey]) {
    let consents = keys.iter().zip(clients.iter().cycle()).map(|(key, client)| async move {
        let started = client.start(key).await.unwrap();
        let callback = kin.person().approve(&started.authorization_url).await.unwrap();
        client.complete(key, &callback).await.unwrap();
    });
    at_once(consents).await;
}

/// A few at a time.
async fn at_once(work: impl Iterator<Item = impl Future<Output = ()>>) {
    stream::iter(work).buffer_unordered(8).collect::<()>().await;
}
