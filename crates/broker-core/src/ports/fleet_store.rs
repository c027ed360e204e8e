//! How the fleet stands: which replicas run, whose journals were replayed, which providers are in trouble.

use async_trait::async_trait;

use super::{Epoch, StoreError};
use crate::{AuditRecord, EscrowId, IncarnationId, InstallationId, ProviderName, Timestamp};

/// One run of one broker process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replica {
    /// This run.
    pub incarnation: IncarnationId,
    /// The journal it writes to.
    pub escrow: EscrowId,
    /// When it began.
    pub started_at: Timestamp,
    /// It had joined before, and the store has lost that: it may lack what the journal holds.
    pub rejoins: bool,
}

/// What a replica finds when it joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// The store's installation.
    pub installation: InstallationId,
    /// The store's epoch.
    pub epoch: Epoch,
    /// The number of this heartbeat: joining is one. The store counts them, so no clock has a say in what came later.
    pub beat: u64,
    /// An earlier run on the same journal was noted here, and was not unvouched.
    pub escrow_known: bool,
    /// Some refresh token was presented at or after the time asked for, by a replica whose journal is not drained.
    pub undrained_rotations: bool,
}

impl Joined {
    /// The store was rotated of late, and this replica cannot know of it: unless one that can is heard now, the store may
    /// be a copy (rule 16). The store keeps this with the replica, whose journal is not known and who vouches for nobody
    /// until [`FleetStore::note_vouched`].
    pub fn is_unvouched(&self) -> bool {
        self.undrained_rotations && !self.escrow_known
    }
}

/// What a heartbeat brings back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// The store's own clock.
    pub store_time: Timestamp,
    /// The store's epoch.
    pub epoch: Epoch,
    /// The store's installation.
    pub installation: InstallationId,
    /// Replicas alive at or after the time asked for, this one included.
    pub alive: u32,
    /// The number of the last heartbeat, or leave, of any other replica that is not unvouched; 0 if there is none.
    pub others_beat: u64,
    /// Journals, of replicas heard of in the last hour, that were last replayed in another epoch (rule 16). A run on a
    /// journal that is new here counts as having replayed it, unless it joins again; one on a known journal inherits from
    /// the run before.
    pub replays_pending: u32,
    /// The replica's own row was not there: commits were lost, it must join again.
    pub unknown: bool,
}

/// First presentations that a provider answered badly, for the breaker (rule 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BadAnswers {
    /// Attempts concluded `dead_token` at or after `recent`: first presentations only.
    pub dead_tokens: u64,
    /// Tenants they belong to.
    pub tenants: u64,
    /// Attempts concluded `dead_token` at or after `long_ago`.
    pub dead_tokens_before: u64,
    /// Attempts concluded `unreadable` at or after `recent`.
    pub unreadable: u64,
    /// All attempts closed at or after `recent`.
    pub attempts: u64,
}

/// A provider's breaker, open for the whole fleet: while it is, no grant moves to NeedsConsent (rule 10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenBreaker {
    /// The provider.
    pub provider: ProviderName,
    /// Since when.
    pub opened_at: Timestamp,
    /// The last bad answer while it was open.
    pub last_bad_at: Timestamp,
    /// Suspects refreshed since it opened.
    pub suspects_refreshed: u32,
}

/// The fleet.
#[async_trait]
pub trait FleetStore: Send + Sync {
    /// Notes that a replica runs. Idempotent.
    async fn join(&self, replica: &Replica, rotated_since: Timestamp) -> Result<Joined, StoreError>;

    /// Notes that a replica that knows this store was heard beside this one, which is unvouched no more: neither is a
    /// later run on its journal.
    async fn note_vouched(&self, incarnation: IncarnationId) -> Result<(), StoreError>;

    /// Notes that a replica is alive, and reads how things stand. `alive_since` is as in [`Pulse::alive`], `recent`
    /// where the last hour begins.
    async fn heartbeat(
        &self,
        incarnation: IncarnationId,
        at: Timestamp,
        alive_since: Timestamp,
        recent: Timestamp,
    ) -> Result<Pulse, StoreError>;

    /// Notes that this replica has replayed its journal in this epoch, and with it what earlier runs on the same journal
    /// left: those are drained.
    async fn note_replayed(
        &self,
        incarnation: IncarnationId,
        epoch: Epoch,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Notes that a replica ends in order: no attempt of it is open, its journal holds nothing the store lacks. Its last
    /// heartbeat, for those who have joined meanwhile.
    async fn leave(&self, incarnation: IncarnationId, at: Timestamp) -> Result<(), StoreError>;

    /// Declares this store the only copy: gives it a new installation id, counts every journal not drained as lost, and
    /// leaves no replica unvouched.
    async fn adopt_installation(
        &self,
        new: InstallationId,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<(), StoreError>;

    /// Counts what a provider answered badly.
    async fn bad_answers(
        &self,
        provider: &ProviderName,
        recent: Timestamp,
        long_ago: Timestamp,
    ) -> Result<BadAnswers, StoreError>;

    /// Opens a provider's breaker, or notes a bad answer while it is open.
    async fn note_bad_answer(&self, provider: &ProviderName, at: Timestamp) -> Result<(), StoreError>;

    /// Counts a suspect that was refreshed while the breaker is open.
    async fn note_suspect_refreshed(&self, provider: &ProviderName) -> Result<(), StoreError>;

    /// Closes a provider's breaker. Answers whether it was open.
    async fn close_breaker(&self, provider: &ProviderName, record: &AuditRecord) -> Result<bool, StoreError>;

    /// Every breaker that is open.
    async fn open_breakers(&self) -> Result<Vec<OpenBreaker>, StoreError>;

    /// Forgets replicas that were drained before `before` and own no open attempt.
    async fn forget_replicas(&self, before: Timestamp) -> Result<u64, StoreError>;
}
