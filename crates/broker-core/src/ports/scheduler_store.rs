//! What operators see of refreshing, and what they pause.

use std::fmt;

use async_trait::async_trait;

use super::{AtRiskFilter, DueNotice, Notice, ProviderGrants, RegistrationKey, StoreError};
use crate::{AuditRecord, EscrowId, Grant, IncarnationId, Principal, ProviderName, TenantId, Timestamp};

/// What a pause stops the refreshing of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PauseTarget {
    /// Every grant of a tenant.
    Tenant(TenantId),
    /// Every grant at a provider.
    Provider(ProviderName),
}

impl PauseTarget {
    /// How records name the pause of it.
    pub(crate) fn resource(&self) -> String {
        match self {
            Self::Tenant(tenant) => format!("pauses/tenants/{tenant}"),
            Self::Provider(provider) => format!("pauses/providers/{provider}"),
        }
    }
}

impl fmt::Display for PauseTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => write!(f, "tenant {tenant}"),
            Self::Provider(provider) => write!(f, "provider {provider}"),
        }
    }
}

/// A pause of refreshing, by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshPause {
    /// What is paused.
    pub target: PauseTarget,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Who paused it.
    pub principal: Principal,
    /// Why, for people.
    pub note: String,
    /// When it was paused.
    pub created_at: Timestamp,
}

/// How much there is to do, and how much of it is in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Active grants that are due.
    pub due: u64,
    /// Since when the most overdue of them has been.
    pub due_since: Option<Timestamp>,
    /// Active grants with a rotation of unknown outcome.
    pub uncertain: u64,
    /// Active grants whose refresh token was refused once.
    pub suspect: u64,
    /// Open attempts at each provider that has any, of all replicas.
    pub in_flight: Vec<(ProviderName, u64)>,
}

/// One run of a broker process, as the store knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaStanding {
    /// The run.
    pub incarnation: IncarnationId,
    /// The journal it writes to.
    pub escrow: EscrowId,
    /// When it was last heard of.
    pub heartbeat_at: Timestamp,
    /// Since when its journal is known to hold nothing the store lacks.
    pub drained_at: Option<Timestamp>,
}

/// What has become of registrations, each told to one caller only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistrationNews {
    /// The provider began to refuse these.
    pub rejected: Vec<RegistrationKey>,
    /// It accepts these again.
    pub recovered: Vec<RegistrationKey>,
    /// How many it refuses at present, at each provider that refuses any. Told to everybody.
    pub standing: Vec<(ProviderName, u64)>,
}

/// Pauses, and the state of refreshing. Every read but the count of all grants is of what is due, open or in doubt.
#[async_trait]
pub trait SchedulerStore: Send + Sync {
    /// Pauses a target, in place of an earlier pause of it.
    async fn pause_refresh(&self, pause: &RefreshPause, record: &AuditRecord) -> Result<(), StoreError>;

    /// Ends the pause of a target. Answers whether there was one that was not over by itself: only that has a record.
    async fn resume_refresh(
        &self,
        target: &PauseTarget,
        now: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError>;

    /// The pauses that are not over, ordered by target.
    async fn refresh_pauses(&self, now: Timestamp) -> Result<Vec<RefreshPause>, StoreError>;

    /// Forgets the pauses that are over.
    async fn prune_pauses(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// The grants at every provider that has any, ordered by name. Reads all of them: its cost grows with their number.
    async fn count_grants(&self, now: Timestamp) -> Result<Vec<ProviderGrants>, StoreError>;

    /// How much there is to do.
    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError>;

    /// The runs that were heard of at or after `alive_since` or whose journal is not drained, in the order of joining.
    async fn replicas(&self, alive_since: Timestamp) -> Result<Vec<ReplicaStanding>, StoreError>;

    /// Notes when providers last answered with tokens. A time before the one noted changes nothing.
    async fn note_successes(&self, successes: &[(ProviderName, Timestamp)]) -> Result<(), StoreError>;

    /// When providers last answered with tokens, ordered by name.
    async fn last_successes(&self) -> Result<Vec<(ProviderName, Timestamp)>, StoreError>;

    /// Takes the news of registrations: of any number of callers one is told of each.
    async fn take_registration_news(&self) -> Result<RegistrationNews, StoreError>;

    /// Grants of which a notice is due at `now`, the earliest first; work proportional to what is due.
    async fn due_notices(&self, now: Timestamp, limit: u32) -> Result<Vec<DueNotice>, StoreError>;

    /// Gives a notice, if nothing was told of the grant and nothing has moved it since it was read: of any number of
    /// callers one gives it, and it is committed with its record.
    async fn give_notice(&self, notice: &Notice, record: &AuditRecord) -> Result<bool, StoreError>;

    /// Gives up a grant without a refresh token, for want of one, if nothing has moved it since it was read. Of any number of
    /// callers one does, and it is committed with its record.
    async fn end_with_token(
        &self,
        due: &DueNotice,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError>;

    /// Moves the time of a notice that is not due, if nothing has moved it since it was read.
    async fn put_off_notice(&self, due: &DueNotice, until: Option<Timestamp>) -> Result<(), StoreError>;

    /// A page of active grants that die, ordered by when, then by id.
    async fn at_risk_grants(&self, filter: &AtRiskFilter) -> Result<Vec<Grant>, StoreError>;
}
