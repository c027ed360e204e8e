//! The grants of the storm: users who have consented, spread over all providers.

use anyhow::{Context as _, Result, bail};
use broker_e2e::client::registration;
use broker_e2e::{Client, Provider};
use broker_proto::v1::GrantKey;
use futures_util::future::try_join_all;
use provider_sim::Endpoint;

use crate::profile::Profile;
use crate::providers::Providers;

const TENANT: &str = "storm";

/// A grant, as it is known on both sides.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) profile: Profile,
    pub(crate) key: GrantKey,
    /// The broker's id.
    pub(crate) grant: u128,
    /// The provider's number of the consent.
    pub(crate) family: u64,
}

/// Makes the tenant, its registrations, and so many grants.
pub(crate) async fn obtain(client: &Client, providers: &Providers, count: usize) -> Result<Vec<Subject>> {
    client.create_tenant(TENANT).await.map_err(refused("CreateTenant"))?;
    let share = count.div_ceil(Profile::ALL.len());
    let all = Profile::ALL.map(|profile| consents(client, providers, profile, share));
    Ok(try_join_all(all).await?.into_iter().flatten().take(count).collect())
}

async fn consents(
    client: &Client,
    providers: &Providers,
    profile: Profile,
    count: usize,
) -> Result<Vec<Subject>> {
    let mut request = registration(TENANT, Provider::Evercam);
    request.provider = profile.name().to_owned();
    client.register(request).await.map_err(refused("CreateClientRegistration"))?;
    let mut subjects = Vec::with_capacity(count);
    for number in 0..count {
        subjects.push(consent(client, providers, profile, format!("user-{number}")).await?);
    }
    Ok(subjects)
}

/// One after another at each provider, so that the newest code exchange in its journal is this one.
async fn consent(
    client: &Client,
    providers: &Providers,
    profile: Profile,
    user_id: String,
) -> Result<Subject> {
    let key = GrantKey {
        tenant_id: TENANT.to_owned(),
        provider: profile.name().to_owned(),
        user_id,
        account: String::new(),
    };
    let started = client.start(&key).await.map_err(refused("StartAuthorization"))?;
    let callback = Provider::Evercam.person().approve(&started.authorization_url).await?;
    let grant = client.complete(&key, &callback).await.map_err(refused("CompleteAuthorization"))?;
    let entries = providers.journal(profile).entries();
    let exchange = entries.iter().rfind(|entry| entry.endpoint == Endpoint::Exchange);
    let family = exchange.and_then(|entry| entry.family).context("the provider saw no code exchange")?;
    Ok(Subject { profile, key, grant: id(&grant.grant_id)?, family })
}

/// The number in a UUID's text.
fn id(text: &str) -> Result<u128> {
    match u128::from_str_radix(&text.replace('-', ""), 16) {
        Ok(id) => Ok(id),
        Err(_) => bail!("the grant id {text:?} is no UUID"),
    }
}

fn refused(call: &'static str) -> impl Fn(Box<broker_proto::error::BrokerError>) -> anyhow::Error {
    move |error| anyhow::anyhow!("{call}: {error}")
}
