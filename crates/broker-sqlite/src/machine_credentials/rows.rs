//! Rows of machine credentials, written and read.

use broker_core::ports::StoreError;
use broker_core::{
    AccountLabel, FailureKind, LastFailure, LineageId, MachineCredential, MachineCredentialHeld, MintSource,
    MintedToken, Minting, RegistrationId, SealedApiKey, UserId,
};
use sqlx::sqlite::SqliteRow;

use crate::columns::{BindDomain, Columns, Statement};

/// Binds what a new credential holds, ten parameters: kind, halves, registration, parent, target, scopes, generation and
/// when it is minted.
pub(super) fn bind_held<'q>(statement: Statement<'q>, credential: &'q MachineCredential) -> Statement<'q> {
    match &credential.held {
        MachineCredentialHeld::ApiKey(pair) => statement
            .bind("api_key")
            .bind(pair.id.as_bytes())
            .bind(pair.secret.as_bytes())
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<String>)
            .bind("")
            .bind(0)
            .bind(None::<i64>),
        MachineCredentialHeld::Minted(minting) => bind_minting(statement, minting),
    }
}

fn bind_minting<'q>(statement: Statement<'q>, minting: &'q Minting) -> Statement<'q> {
    let statement = match &minting.source {
        MintSource::ClientCredentials { registration } => statement
            .bind("client_credentials")
            .bind(None::<Vec<u8>>)
            .bind(None::<Vec<u8>>)
            .bind(registration.as_str())
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<String>),
        MintSource::Derived { user, account, target } => statement
            .bind("derived")
            .bind(None::<Vec<u8>>)
            .bind(None::<Vec<u8>>)
            .bind(None::<String>)
            .bind(user.as_str())
            .bind(account.as_str())
            .bind(target.as_str()),
    };
    statement.bind_scopes(&minting.scopes).bind_generation(minting.generation).bind_time(minting.mint_at)
}

pub(super) fn credential(row: &SqliteRow) -> Result<MachineCredential, StoreError> {
    let held = match row.text("kind")?.as_str() {
        "api_key" => MachineCredentialHeld::ApiKey(SealedApiKey {
            id: row.sealed("api_key_id")?,
            secret: row.sealed("api_key_secret")?,
        }),
        kind => MachineCredentialHeld::Minted(Box::new(minting(kind, row)?)),
    };
    Ok(MachineCredential {
        key: row.key()?,
        held,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.version("version")?,
    })
}

fn minting(kind: &str, row: &SqliteRow) -> Result<Minting, StoreError> {
    let source = match kind {
        "client_credentials" => {
            MintSource::ClientCredentials { registration: row.name("registration", RegistrationId::new)? }
        }
        "derived" => MintSource::Derived {
            user: row.name("parent_user", UserId::new)?,
            account: row.name("parent_account", AccountLabel::new)?,
            target: row.text("target")?,
        },
        _ => return Err(StoreError::Inconsistent("kind")),
    };
    Ok(Minting {
        source,
        scopes: row.scopes("asked_scopes")?,
        generation: row.generation("generation")?,
        token: token(row)?,
        mint_at: row.time("mint_at")?,
        minting_until: row.optional_time("minting_until")?,
        last_failure: last_failure(row)?,
    })
}

fn token(row: &SqliteRow) -> Result<Option<MintedToken>, StoreError> {
    let Some(access_token) = row.optional_sealed("access_token")? else { return Ok(None) };
    Ok(Some(MintedToken {
        access_token,
        token_type: row.text("token_type")?,
        scopes: row.scopes("scopes")?,
        api_base_url: row.optional_text("api_base_url")?,
        issued_at: row.time("issued_at")?,
        expires_at: row.time("expires_at")?,
        lineage: row.optional_id("parent_lineage", LineageId::from_bytes)?,
    }))
}

fn last_failure(row: &SqliteRow) -> Result<Option<LastFailure>, StoreError> {
    let Some(kind) = row.optional_text("failure")? else { return Ok(None) };
    Ok(Some(LastFailure {
        kind: FailureKind::from_name(&kind).ok_or(StoreError::Inconsistent("failure"))?,
        at: row.time("failure_at")?,
        oauth_error: row.optional_text("failure_code")?,
        http_status: row.optional_number("failure_status")?,
        in_a_row: row.number("failures")?,
        since: row.time("failing_since")?,
    }))
}
