//! Machine credentials for people.

use broker_proto::v1::machine_credential::Minted;
use broker_proto::v1::{GrantKey, MachineCredential};
use prost_types::Timestamp;

use super::grant_table::{key_facts, last_error};
use super::short;
use crate::output::Table;
use crate::when::when;

/// One line per machine credential.
pub(crate) fn list(credentials: &[MachineCredential], now: &Timestamp) -> Table {
    let mut table = Table::headed(["PROVIDER", "USER", "ACCOUNT", "KIND", "CREATED", "ROTATED"]);
    for credential in credentials {
        let key = credential.key.as_ref();
        table.row([
            key.map_or("", |key| &key.provider).into(),
            key.map_or("", |key| &key.user_id).into(),
            key.map_or("", |key| &key.account).into(),
            kind(credential).into(),
            when(credential.create_time.as_ref(), now).into(),
            rotated(credential, now).into(),
        ]);
    }
    table
}

/// Everything about one.
pub(crate) fn details(credential: &MachineCredential, now: &Timestamp) -> Table {
    let mut table = Table::default();
    key_facts(&mut table, credential.key.as_ref());
    table.fact("kind", kind(credential));
    minted(&mut table, credential, now);
    table.fact("generation", credential.generation.to_string());
    table.fact("created", when(credential.create_time.as_ref(), now));
    table.fact("rotated", rotated(credential, now));
    table.fact("etag", &credential.etag);
    table
}

/// What is minted of, and how that goes.
fn minted(table: &mut Table, credential: &MachineCredential, now: &Timestamp) {
    let scopes = match &credential.minted {
        None => return,
        Some(Minted::ClientCredentials(client)) => {
            table.fact("registration", &client.client_registration_id);
            &client.scopes
        }
        Some(Minted::Derived(derived)) => {
            table.fact("derived from", format!("{} ({})", derived.user_id, derived.account));
            table.fact("target account", &derived.target_account_id);
            &derived.scopes
        }
    };
    table.fact("scopes asked for", scopes.join(" "));
    table.fact("token expires", when(credential.access_token_expire_time.as_ref(), now));
    table.fact("minted next", when(credential.next_mint_time.as_ref(), now));
    table.fact("last error", last_error(credential.last_error.as_ref(), now));
}

/// One is gone.
pub(crate) fn deleted(key: &GrantKey) -> Table {
    let mut table = Table::default();
    key_facts(&mut table, Some(key));
    table.fact("deleted", "yes");
    table
}

fn kind(credential: &MachineCredential) -> &'static str {
    short(credential.kind().as_str_name(), "MACHINE_CREDENTIAL_KIND_")
}

fn rotated(credential: &MachineCredential, now: &Timestamp) -> String {
    match credential.update_time == credential.create_time {
        true => "never".to_owned(),
        false => when(credential.update_time.as_ref(), now),
    }
}
