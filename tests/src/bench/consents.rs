//! Users who consent: the grants under measurement, through the front door.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::{Result, anyhow};
use broker_proto::error::BrokerError;
use broker_proto::v1;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use url::Url;

use super::home::PROVIDER;
use crate::Client;

/// Tenants that share the grants.
const TENANTS: usize = 10;
/// Consents under way at once.
const AT_ONCE: usize = 64;
const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// Makes the tenants and these grants. Answers the number of each grant by its id.
pub async fn obtain(client: &Client, grants: Range<usize>) -> Result<HashMap<String, usize>> {
    for tenant in 0..TENANTS.min(grants.len()) {
        client.create_tenant(&name(tenant)).await.map_err(refused("CreateTenant"))?;
        client.register(registration(tenant)).await.map_err(refused("CreateClientRegistration"))?;
    }
    obtain_more(client, grants).await
}

/// Makes these grants too.
pub async fn obtain_more(client: &Client, grants: Range<usize>) -> Result<HashMap<String, usize>> {
    let consents = grants.map(|number| consent(client.clone(), number));
    stream::iter(consents).buffer_unordered(AT_ONCE).try_collect().await
}

/// The key of the grant of this number.
pub fn key(number: usize) -> v1::GrantKey {
    v1::GrantKey {
        tenant_id: name(number),
        provider: PROVIDER.to_owned(),
        user_id: format!("user-{number}"),
        account: String::new(),
    }
}

/// What a browser brings home, without the browser.
async fn consent(client: Client, number: usize) -> Result<(String, usize)> {
    let key = key(number);
    let started = client.start(&key).await.map_err(refused("StartAuthorization"))?;
    let url = Url::parse(&started.authorization_url)?;
    let state = url.query_pairs().find(|(key, _)| key == "state");
    let (_, state) = state.ok_or_else(|| anyhow!("an authorization URL without a state"))?;
    let mut callback = Url::parse(REDIRECT)?;
    callback.query_pairs_mut().append_pair("code", &format!("c-{number}")).append_pair("state", &state);
    let grant = client.complete(&key, callback.as_str()).await.map_err(refused("CompleteAuthorization"))?;
    Ok((grant.grant_id, number))
}

fn name(number: usize) -> String {
    format!("tenant-{}", number % TENANTS)
}

fn registration(tenant: usize) -> v1::CreateClientRegistrationRequest {
    v1::CreateClientRegistrationRequest {
        tenant_id: name(tenant),
        provider: PROVIDER.to_owned(),
        registration_id: "main".to_owned(),
        client_id: "bench".to_owned(),
        client_secret: "bench".to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        scopes: vec!["all".to_owned()],
        ..Default::default()
    }
}

fn refused(call: &'static str) -> impl Fn(Box<BrokerError>) -> anyhow::Error {
    move |error| anyhow!("{call}: {error}")
}
