//! Machine credentials whose tokens the broker has made anew, at simulators.

mod client;
mod derived;
mod fleet;

use broker_e2e::client::read;
use broker_e2e::{Answer, Client};
use broker_proto::v1::create_machine_credential_request::Credential;
use broker_proto::v1::*;
use provider_sim::{Entry, Running};

pub(crate) fn of_client() -> Credential {
    Credential::ClientCredentials(ClientCredentials::default())
}

pub(crate) async fn create(
    client: &Client,
    key: &GrantKey,
    credential: Credential,
) -> Answer<MachineCredential> {
    let request = CreateMachineCredentialRequest { key: Some(key.clone()), credential: Some(credential) };
    let created = read(client.admin().create_machine_credential(request).await)?;
    Ok(created.machine_credential.unwrap())
}

pub(crate) async fn get(client: &Client, key: &GrantKey) -> MachineCredential {
    let request = GetMachineCredentialRequest { key: Some(key.clone()) };
    read(client.admin().get_machine_credential(request).await).unwrap().machine_credential.unwrap()
}

/// How often a client asked for a token of its own.
pub(crate) fn asked(simulator: &Running) -> usize {
    let alone = |entry: &Entry| entry.grant_type.as_deref() == Some("client_credentials");
    simulator.journal().count(alone)
}
