//! Attempts, and how their rows are read.

use broker_core::ports::StoreError;
use broker_core::{
    Attempt, AttemptId, AttemptKind, AttemptPhase, AuthorizationId, IncarnationId, LineageId, RegistrationId,
    TenantId, Timestamp,
};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use crate::columns::{generation, key, name, number, time, uuid};
use crate::operation::failed;

/// What [`Attempt`] is made of, from `attempts`.
pub(crate) struct AttemptRow {
    pub(crate) id: Uuid,
    pub(crate) tenant: String,
    pub(crate) provider: String,
    pub(crate) user_id: String,
    pub(crate) account: String,
    pub(crate) authorization_id: Option<Uuid>,
    pub(crate) registration: String,
    pub(crate) lineage: Uuid,
    pub(crate) generation: i64,
    pub(crate) presentation_no: i32,
    pub(crate) owner: Uuid,
    pub(crate) claimed_at: i64,
    pub(crate) sent_at: Option<i64>,
    pub(crate) closed_at: Option<i64>,
}

/// The attempt's columns of a longer record.
macro_rules! attempt_row {
    ($record:expr) => {
        $crate::grants::attempts::AttemptRow {
            id: $record.id,
            tenant: $record.tenant,
            provider: $record.provider,
            user_id: $record.user_id,
            account: $record.account,
            authorization_id: $record.authorization_id,
            registration: $record.registration,
            lineage: $record.lineage,
            generation: $record.generation,
            presentation_no: $record.presentation_no,
            owner: $record.owner,
            claimed_at: $record.claimed_at,
            sent_at: $record.sent_at,
            closed_at: $record.closed_at,
        }
    };
}
pub(crate) use attempt_row;

impl AttemptRow {
    /// Of a statement that is put together at run time.
    pub(crate) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            tenant: row.try_get("tenant")?,
            provider: row.try_get("provider")?,
            user_id: row.try_get("user_id")?,
            account: row.try_get("account")?,
            authorization_id: row.try_get("authorization_id")?,
            registration: row.try_get("registration")?,
            lineage: row.try_get("lineage")?,
            generation: row.try_get("generation")?,
            presentation_no: row.try_get("presentation_no")?,
            owner: row.try_get("owner")?,
            claimed_at: row.try_get("claimed_at")?,
            sent_at: row.try_get("sent_at")?,
            closed_at: row.try_get("closed_at")?,
        })
    }

    pub(crate) fn attempt(self) -> Result<Attempt, StoreError> {
        Ok(Attempt {
            id: AttemptId::from_bytes(self.id.into_bytes()),
            // The schema keeps an authorization with exchanges, and only with them.
            kind: self.authorization_id.map_or(AttemptKind::Refresh, |id| {
                AttemptKind::CodeExchange(AuthorizationId::from_bytes(id.into_bytes()))
            }),
            key: key([self.tenant, self.provider, self.user_id, self.account])?,
            registration: name(self.registration, RegistrationId::new, "registration")?,
            lineage: LineageId::from_bytes(self.lineage.into_bytes()),
            generation: generation(self.generation, "generation")?,
            presentation_no: number(self.presentation_no, "presentation_no")?,
            owner: IncarnationId::from_bytes(self.owner.into_bytes()),
            claimed_at: Timestamp::from_unix_micros(self.claimed_at),
            sent_at: time(self.sent_at),
            phase: match (self.sent_at, self.closed_at) {
                (_, Some(_)) => AttemptPhase::Closed,
                (None, None) => AttemptPhase::Claimed,
                (Some(_), None) => AttemptPhase::Sent,
            },
        })
    }
}

pub(crate) async fn read(
    pool: &PgPool,
    tenant: &TenantId,
    id: AttemptId,
) -> Result<Option<Attempt>, StoreError> {
    sqlx::query_as!(
        AttemptRow,
        "SELECT id, tenant, provider, user_id, account, authorization_id, registration, lineage, generation,
                presentation_no, owner, claimed_at, sent_at, closed_at
         FROM attempts WHERE tenant = $1 AND id = $2",
        tenant.as_str(),
        uuid(id.as_bytes()),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(AttemptRow::attempt)
    .transpose()
}

/// The authorization whose code an attempt presents.
pub(crate) fn authorization_of(attempt: &Attempt) -> Option<AuthorizationId> {
    match attempt.kind {
        AttemptKind::Refresh => None,
        AttemptKind::CodeExchange(authorization) => Some(authorization),
    }
}

pub(crate) fn kind_word(kind: AttemptKind) -> &'static str {
    match kind {
        AttemptKind::Refresh => "refresh",
        AttemptKind::CodeExchange(_) => "code_exchange",
    }
}
