//! The inventory: every column that holds something sealed under a tenant's data key, and how its place is made.
//!
//! What re-seals and what counts reads this list and nothing else. A column that is missing from it would be lost when
//! the key it is sealed under is retired, so a test compares it with the schema.

use broker_core::ports::{EscrowRecord, StoreError};
use broker_core::{
    AuthorizationId, ClientRegistration, GrantId, MintedToken, ProviderName, RegistrationId, SecretId,
    Timestamp, Webhook, WebhookId,
};
use broker_crypto::{
    AccessToken, ApiKeyId, ApiKeySecret, AuthorizationCode, ClientSecret, CodeVerifier, DeviceCode,
    ProviderResponse, RefreshToken, SecretType, WebhookSecret,
};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::columns::{name, number};
use crate::grants::attempts::AttemptRow;
use crate::operation::failed;

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
    /// An id.
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
            Self::Id(raw) => format!("({raw})::text"),
            Self::Text(raw) => (*raw).to_owned(),
        }
    }

    /// Out of a parameter that holds the text.
    pub(super) fn given(&self, parameter: &str) -> String {
        match self {
            Self::Id(_) => format!("{parameter}::uuid"),
            Self::Text(_) => parameter.to_owned(),
        }
    }
}

/// A sealed column.
pub(crate) struct SealedColumn {
    pub(crate) name: &'static str,
    pub(crate) secret: SecretType,
    pub(crate) place: fn(&PgRow) -> Result<Placed, StoreError>,
}

/// Owner and generation of a place.
pub(crate) type Placed = (String, u64);

pub(crate) const INVENTORY: &[SealedTable] = &[
    SealedTable {
        name: "grant_secrets",
        joined: "JOIN grants g ON g.id = t.grant_id JOIN grant_rotation r ON r.grant_id = t.grant_id",
        tenant: "g.tenant",
        row: RowKey::Id("g.id"),
        own_row: Some("t.grant_id"),
        facts: "t.grant_id, r.generation, t.refresh_token_generation",
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
        facts: "a.id, a.tenant, a.provider, a.user_id, a.account, a.authorization_id, a.registration, a.lineage, \
                a.generation, a.presentation_no, a.owner, a.claimed_at, a.sent_at, a.closed_at, t.status, t.received_at",
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

fn of_access_token(row: &PgRow) -> Result<Placed, StoreError> {
    Ok((grant_id(row)?, number(row.try_get::<i64, _>("generation").map_err(failed)?, "generation")?))
}

/// A kept refresh token stays sealed for the generation it came with.
fn of_refresh_token(row: &PgRow) -> Result<Placed, StoreError> {
    let generation: i64 = row.try_get("refresh_token_generation").map_err(failed)?;
    Ok((grant_id(row)?, number(generation, "refresh_token_generation")?))
}

fn grant_id(row: &PgRow) -> Result<String, StoreError> {
    let id: Uuid = row.try_get("grant_id").map_err(failed)?;
    Ok(GrantId::from_bytes(id.into_bytes()).to_string())
}

fn of_client_secret(row: &PgRow) -> Result<Placed, StoreError> {
    let provider = name(row.try_get("provider").map_err(failed)?, ProviderName::new, "provider")?;
    let registration =
        name(row.try_get("registration").map_err(failed)?, RegistrationId::new, "registration")?;
    let secret: i32 = row.try_get("number").map_err(failed)?;
    let secret = SecretId::new(number(secret, "number")?).ok_or(StoreError::Inconsistent("number"))?;
    Ok((ClientRegistration::secret_owner(&provider, &registration, secret), 0))
}

fn of_machine_credential(row: &PgRow) -> Result<Placed, StoreError> {
    Ok((grant_id(row)?, number(row.try_get::<i64, _>("version").map_err(failed)?, "version")?))
}

fn of_webhook_secret(row: &PgRow) -> Result<Placed, StoreError> {
    let id: Uuid = row.try_get("id").map_err(failed)?;
    let secret: i32 = row.try_get("secret_number").map_err(failed)?;
    Ok((Webhook::owner(WebhookId::from_bytes(id.into_bytes())), number(secret, "secret_number")?))
}

/// The old one has the number before.
fn of_old_webhook_secret(row: &PgRow) -> Result<Placed, StoreError> {
    of_webhook_secret(row).map(|(owner, secret)| (owner, secret - 1))
}

fn of_minted_token(row: &PgRow) -> Result<Placed, StoreError> {
    let id: Uuid = row.try_get("grant_id").map_err(failed)?;
    let generation: i64 = row.try_get("generation").map_err(failed)?;
    Ok((MintedToken::owner(GrantId::from_bytes(id.into_bytes())), number(generation, "generation")?))
}

fn of_authorization(row: &PgRow) -> Result<Placed, StoreError> {
    let id: Uuid = row.try_get("id").map_err(failed)?;
    Ok((AuthorizationId::from_bytes(id.into_bytes()).to_string(), 0))
}

fn of_unread_answer(row: &PgRow) -> Result<Placed, StoreError> {
    let attempt = AttemptRow::of(row).map_err(failed)?.attempt()?;
    let status: i32 = row.try_get("status").map_err(failed)?;
    let received_at = Timestamp::from_unix_micros(row.try_get("received_at").map_err(failed)?);
    Ok((EscrowRecord::owner(&attempt, number(status, "status")?, received_at), 0))
}
