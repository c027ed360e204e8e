//! What operators do over AdminService.

mod client_test;
mod pause;
mod providers;
mod registrations;
mod repeated;
mod secrets;
mod tenants;
mod wrong_secret;

use std::collections::HashMap;
use std::time::Instant;

use broker_e2e::client::read;
use broker_e2e::{Answer, House, LONGEST_WAIT, Provider};
use broker_proto::v1::{
    AddClientSecretRequest, AddClientSecretResponse, ClientRegistration, GetClientRegistrationRequest,
    RetireClientSecretRequest,
};
use provider_sim::{Endpoint, Journal};

/// Asks until it is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < 4 * LONGEST_WAIT, "it never became so");
    }
}

/// The most times any one refresh token was shown by a client the provider accepted: it looks at no other's.
fn most_looks(journal: &Journal) -> usize {
    let mut looks = HashMap::new();
    for entry in journal.entries().into_iter().filter(|entry| entry.endpoint == Endpoint::Refresh) {
        let accepted =
            entry.outcome.is_some_and(|outcome| outcome.error.as_deref() != Some("invalid_client"));
        if let Some(serial) = entry.presented.filter(|_| accepted) {
            *looks.entry(serial).or_insert(0) += 1;
        }
    }
    looks.into_values().max().unwrap_or(0)
}

/// The registration every house has at a provider.
async fn registration(house: &House, tenant: &str, provider: Provider) -> ClientRegistration {
    let request = GetClientRegistrationRequest {
        tenant_id: tenant.to_owned(),
        provider: provider.name().to_owned(),
        registration_id: "main".to_owned(),
    };
    let answer = read(house.client.admin().get_client_registration(request).await).unwrap();
    answer.client_registration.unwrap()
}

/// Adds a secret to the registration `main`.
async fn add_secret(
    house: &House,
    (tenant, provider): (&str, Provider),
    secret: &str,
    prefer: bool,
) -> AddClientSecretResponse {
    house.remember(|canaries| canaries.add("client_secret", secret));
    let request = AddClientSecretRequest {
        tenant_id: tenant.to_owned(),
        provider: provider.name().to_owned(),
        registration_id: "main".to_owned(),
        client_secret: secret.to_owned(),
        prefer,
        request_id: String::new(),
    };
    read(house.client.admin().add_client_secret(request).await).unwrap()
}

/// Retires a secret of the registration `main`.
async fn retire_secret(
    house: &House,
    (tenant, provider): (&str, Provider),
    secret_id: &str,
    etag: &str,
) -> Answer<ClientRegistration> {
    let request = RetireClientSecretRequest {
        tenant_id: tenant.to_owned(),
        provider: provider.name().to_owned(),
        registration_id: "main".to_owned(),
        secret_id: secret_id.to_owned(),
        etag: etag.to_owned(),
    };
    let answer = read(house.client.admin().retire_client_secret(request).await)?;
    Ok(answer.client_registration.unwrap())
}
