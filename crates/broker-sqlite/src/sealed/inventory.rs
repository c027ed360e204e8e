//! The inventory: every column that holds something sealed under a tenant's data key, and how its place is made.
//!
//! What re-seals and what counts reads this list and nothing else. A column that is missing from it would be lost when
//! the key it is sealed under is retired, so a test compares it with the schema.

use broker_core::ports::{EscrowRecord, StoreError};
use broker_core::{
    ClientRegistration, GrantId, MintedToken, ProviderName, RegistrationId, SecretId, Webhook, WebhookId,
};
use broker_crypto::{
    AccessToken, ApiKeyId, ApiKeySecret, AuthorizationCode, ClientSecret, CodeVerifier, DeviceCode,
    ProviderResponse, RefreshToken, SecretType, WebhookSecret,
};
use sqlx::sqlite::SqliteRow;

use crate::columns::Columns;
use crate::grants::attempts::{self, attempt_columns};

/// A table with sealed columns. The table is called `t` in every expression.
pub(crate) struct SealedTable {
    pub(crate) name: &'static str,
    /// What is joined to it.
    pub(crate) joined: &'static str,
    /// Whose a row is.
    pub(crate) tenant: &'static str,
    /// What a row is known by; rows are walked in its order.
    pub(crate) row: RowKey,
    /// The same as a column of the table itself, where `row` is one of what is joined.
    pub(crate) own_row: Option<&'static str>,
    /// What places are made of.
    pub(crate) facts: &'static str,
    pub(crate) columns: &'static [SealedColumn],
}

/// What a row is known by.
pub(crate) enum RowKey {
    /// The bytes of an id.
    Id(&'static str),
    /// Text.
    Text(&'static str),
}

impl RowKey {
    /// As the schema has it, so that an index gives the order.
    pub(super) fn raw(&self) -> &'static str {
        match self {
            Self::Id(raw) | Self::Text(raw) => raw,
        }
    }

    /// As text.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Id(raw) => format!("lower(hex({raw}))"),
            Self::Text(raw) => (*raw).to_owned(),
        }
    }

    /// Out of a parameter that holds the text.
    pub(super) fn given(&self, parameter: &str) -> String {
        match self {
            Self::Id(_) => format!("unhex({parameter})"),
            Self::Text(_) => parameter.to_owned(),
        }
    }
}

/// A sealed column.
pub(crate) struct SealedColumn {
    pub(crate) name: &'static str,
    pub(crate) secret: SecretType,
    pub(crate) place: fn(&SqliteRow) -> Result<Placed, StoreError>,
}

/// Owner and generation of a place.
pub(crate) type Placed = (String, u64);

pub(crate) const INVENTORY: &[SealedTable] = &[
    SealedTable {
        name: "grant_secrets",
        joined: "JOIN grants g ON g.id = t.grant_id",
        tenant: "g.tenant",
        row: RowKey::Id("g.id"),
        own_row: Some("t.grant_id"),
        facts: "t.grant_id, g.generation, t.refresh_token_generation",
        columns: &[
            SealedColumn {
                name: "access_token",
                secret: SecretType::of::<AccessToken>(),
                place: of_access_token,
            },
            SealedColumn {
                name: "refresh_token",
                secret: SecretType::of::<RefreshToken>(),
                place: of_refresh_token,
            },
        ],
    },
    SealedTable {
        name: "client_secrets",
        joined: "",
        tenant: "t.tenant",
        row: RowKey::Text("t.provider || '/' || t.registration || '/' || t.number"),
        own_row: None,
        facts: "t.provider, t.registration, t.number",
        columns: &[SealedColumn {
            name: "client_secret",
            secret: SecretType::of::<ClientSecret>(),
            place: of_client_secret,
        }],
    },
    SealedTable {
        name: "authorizations",
        joined: "",
        tenant: "t.tenant",
        row: RowKey::Id("t.id"),
        own_row: None,
        facts: "t.id",
        columns: &[
            SealedColumn {
                name: "verifier",
                secret: SecretType::of::<CodeVerifier>(),
                place: of_authorization,
            },
            SealedColumn {
                name: "code",
                secret: SecretType::of::<AuthorizationCode>(),
                place: of_authorization,
            },
        ],
    },
    SealedTable {
        name: "device_authorizations",
        joined: "",
        tenant: "t.tenant",
        row: RowKey::Id("t.authorization_id"),
        own_row: None,
        facts: "t.authorization_id AS id",
        columns: &[SealedColumn {
            name: "device_code",
            secret: SecretType::of::<DeviceCode>(),
            place: of_authorization,
        }],
    },
    SealedTable {
        name: "unread_answers",
        joined: "JOIN attempts a ON a.id = t.attempt_id",
        tenant: "a.tenant",
        row: RowKey::Id("t.attempt_id"),
        own_row: None,
        facts: concat!(attempt_columns!(), ", t.status, t.received_at"),
        columns: &[SealedColumn {
            name: "body",
            secret: SecretType::of::<ProviderResponse>(),
            place: of_unread_answer,
        }],
    },
    SealedTable {
        name: "machine_credentials",
        joined: "",
        tenant: "t.tenant",
        row: RowKey::Id("t.grant_id"),
        own_row: None,
        facts: "t.grant_id, t.version, t.generation",
        columns: &[
            SealedColumn {
                name: "api_key_id",
                secret: SecretType::of::<ApiKeyId>(),
                place: of_machine_credential,
            },
            SealedColumn {
                name: "api_key_secret",
                secret: SecretType::of::<ApiKeySecret>(),
                place: of_machine_credential,
            },
            SealedColumn {
                name: "access_token",
                secret: SecretType::of::<AccessToken>(),
                place: of_minted_token,
            },
        ],
    },
    SealedTable {
        name: "webhooks",
        joined: "",
        tenant: "t.tenant",
        row: RowKey::Id("t.id"),
        own_row: None,
        facts: "t.id, t.secret_number",
        columns: &[
            SealedColumn {
                name: "secret",
                secret: SecretType::of::<WebhookSecret>(),
                place: of_webhook_secret,
            },
            SealedColumn {
                name: "old_secret",
                secret: SecretType::of::<WebhookSecret>(),
                place: of_old_webhook_secret,
            },
        ],
    },
    // After the grants: what is revoked while it is sealed anew has moved here from there, as it was sealed.
    SealedTable {
        name: "revocations",
        joined: "",
        tenant: "t.tenant",
        row: RowKey::Id("t.id"),
        own_row: None,
        facts: "t.grant_id, t.generation, t.refresh_token_generation",
        columns: &[
            SealedColumn {
                name: "access_token",
                secret: SecretType::of::<AccessToken>(),
                place: of_access_token,
            },
            SealedColumn {
                name: "refresh_token",
                secret: SecretType::of::<RefreshToken>(),
                place: of_refresh_token,
            },
        ],
    },
];

/// The table of that name.
pub(super) fn table(name: &str) -> Result<&'static SealedTable, StoreError> {
    let found = INVENTORY.iter().find(|table| table.name == name);
    found.ok_or(StoreError::Inconsistent("a table that is not in the inventory"))
}

fn of_access_token(row: &SqliteRow) -> Result<Placed, StoreError> {
    Ok((row.id("grant_id", GrantId::from_bytes)?.to_string(), row.number("generation")?))
}

/// A kept refresh token stays sealed for the generation it came with.
fn of_refresh_token(row: &SqliteRow) -> Result<Placed, StoreError> {
    Ok((row.id("grant_id", GrantId::from_bytes)?.to_string(), row.number("refresh_token_generation")?))
}

fn of_client_secret(row: &SqliteRow) -> Result<Placed, StoreError> {
    let provider = row.name("provider", ProviderName::new)?;
    let registration = row.name("registration", RegistrationId::new)?;
    let secret = SecretId::new(row.number("number")?).ok_or(StoreError::Inconsistent("number"))?;
    Ok((ClientRegistration::secret_owner(&provider, &registration, secret), 0))
}

fn of_machine_credential(row: &SqliteRow) -> Result<Placed, StoreError> {
    Ok((row.id("grant_id", GrantId::from_bytes)?.to_string(), row.number("version")?))
}

fn of_webhook_secret(row: &SqliteRow) -> Result<Placed, StoreError> {
    Ok((Webhook::owner(row.id("id", WebhookId::from_bytes)?), row.number("secret_number")?))
}

/// The old one has the number before.
fn of_old_webhook_secret(row: &SqliteRow) -> Result<Placed, StoreError> {
    of_webhook_secret(row).map(|(owner, secret)| (owner, secret - 1))
}

fn of_minted_token(row: &SqliteRow) -> Result<Placed, StoreError> {
    Ok((MintedToken::owner(row.id("grant_id", GrantId::from_bytes)?), row.number("generation")?))
}

fn of_authorization(row: &SqliteRow) -> Result<Placed, StoreError> {
    Ok((row.id("id", broker_core::AuthorizationId::from_bytes)?.to_string(), 0))
}

fn of_unread_answer(row: &SqliteRow) -> Result<Placed, StoreError> {
    let attempt = attempts::from_row(row)?;
    Ok((EscrowRecord::owner(&attempt, row.number("status")?, row.time("received_at")?), 0))
}
