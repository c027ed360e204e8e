//! The doors of the middle: one trait per conversation with the outside, object-safe.

mod access_store;
mod budget;
mod changes;
mod claims;
mod consent_store;
mod coordination_health;
mod creates;
mod deletion_store;
mod due;
mod escrow;
mod fleet_store;
mod grant_store;
mod key_store;
mod lease;
mod ledger;
mod outcomes;
mod provider_client;
pub mod records;
mod revocation_store;
mod rotation_requests;
mod scheduler_store;
mod sealed_store;
mod store_error;
mod tenant_store;
mod wakeups;

pub use access_store::AccessStore;
pub(crate) use budget::Bucket;
pub use budget::{BadBudget, BudgetLimit, BudgetLimits, InProcessBudget, ProviderBudget};
pub use changes::{
    ChangeOutcome, NewSecret, RegistrationChange, RegistrationKey, RetireOutcome, SecretOutcome,
    SecretRetirement, TenantChange,
};
pub use claims::{
    ClaimOutcome, ClaimedRefresh, Epoch, ExchangeClaim, ExchangeOutcome, RefreshClaim, SentBefore,
};
pub use consent_store::{ConsentStore, StartOutcome};
pub use coordination_health::{CoordinationHealth, CoordinationSnapshot, CoordinationState};
pub use creates::{CreateOutcome, REQUESTS_KEPT, RequestMark};
pub use deletion_store::{Deletion, DeletionStore, DestroyKeys};
pub use due::{DueGrant, DueQuery, Orphan, OwnerFate};
pub use escrow::{Durability, Escrow, EscrowError, EscrowRecord, EscrowRecords, Keep};
pub use fleet_store::{BadAnswers, FleetStore, Joined, OpenBreaker, Pulse, Replica};
pub use grant_store::{GrantFilter, GrantStore, VendableGrant};
pub use key_store::{ChangedKey, DataKey, DataKeyQuery, KeyRotationNote, KeyStore, KnownKek, RotationStart};
pub use lease::{InProcessLeases, Lease, LeaseError, LeaseManager, LeaseOutcome, LeaseToken};
pub use ledger::{AuditFilter, AuditPrincipal, ChainEnd, InboxRecord, Ledger, Sealing};
pub use outcomes::{
    AdoptOutcome, Adoption, AttemptEnd, GrantAfter, Lineage, ReplacedTokens, SentMark, SentOutcome,
};
pub use provider_client::{
    AuthorizationRequest, CallError, ClientCredentials, Presentation, ProviderClient, RawResponse,
    RevocationAnswer, RevocationRequest, RevokedToken, SendGate, SendRefused, TokenOutcome, TokenRequest,
};
pub use revocation_store::{PendingRevocation, RevocationStore, TakeRevocations};
pub use rotation_requests::{
    RequestRound, RequestState, RotationAnswer, RotationRequest, RotationRequests, TakeRequests, TakenRequest,
};
pub use scheduler_store::{
    Backlog, PauseTarget, RefreshPause, RegistrationNews, ReplicaStanding, SchedulerStore,
};
pub use sealed_store::{RowId, SealedRow, SealedStore, SealedUnder, SealedValue};
pub use store_error::StoreError;
pub use tenant_store::{RegistrationFilter, TenantStore};
pub use wakeups::{Heard, InProcessWakeups, News, Wakeup, WakeupStream, Wakeups};
