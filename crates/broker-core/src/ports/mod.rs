//! The doors of the middle: one trait per conversation with the outside, object-safe.

mod access_store;
mod budget;
mod changes;
mod claims;
mod consent_store;
mod coordination_health;
mod creates;
mod deletion_store;
mod device_flow;
mod due;
mod escrow;
mod event_store;
mod fleet_store;
mod grant_count;
mod grant_store;
mod key_store;
mod lease;
mod ledger;
mod machine_credential_store;
mod mints;
mod notice;
mod outcomes;
mod polls;
mod provider_client;
pub mod records;
mod revocation_store;
mod rotation_requests;
mod scheduler_store;
mod sealed_store;
mod store_error;
mod store_span;
mod tenant_store;
mod trace_context;
mod wakeups;
mod webhook_sender;
mod webhook_store;

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
pub use consent_store::{CodeToKeep, ConsentStore, ImportOutcome, NewImport, StartOutcome};
pub use coordination_health::{CoordinationHealth, CoordinationSnapshot, CoordinationState};
pub use creates::{CreateOutcome, REQUESTS_KEPT, RequestMark};
pub use deletion_store::{Deletion, DeletionStore, DestroyKeys};
pub use device_flow::{DeviceAnswer, DeviceCodes, DeviceRequest, PollRefusal};
pub use due::{DueGrant, DueQuery, Orphan, OwnerFate};
pub use escrow::{Durability, Escrow, EscrowError, EscrowRecord, EscrowRecords, Keep};
pub use event_store::{EventFilter, EventPage, EventStore};
pub use fleet_store::{BadAnswers, FleetStore, Joined, OpenBreaker, Pulse, Replica};
pub use grant_count::{DYING_WITHIN, ProviderGrants};
pub use grant_store::{GrantChange, GrantFilter, GrantStore, MOST_SHARERS, VendableGrant};
pub use key_store::{ChangedKey, DataKey, DataKeyQuery, KeyRotationNote, KeyStore, KnownKek, RotationStart};
pub use lease::{InProcessLeases, Lease, LeaseError, LeaseManager, LeaseOutcome, LeaseToken};
pub use ledger::{AuditFilter, AuditPrincipal, ChainEnd, InboxRecord, Ledger, Sealing};
pub use machine_credential_store::{
    MachineCredentialFilter, MachineCredentialOutcome, MachineCredentialStore,
};
pub use mints::{DueMint, MintClaim, MintEnd, MintOutcome};
pub use notice::{AtRiskFilter, DueNotice, Notice};
pub use outcomes::{
    AdoptOutcome, Adoption, AttemptEnd, GrantAfter, Lineage, Origin, ReplacedTokens, SentMark, SentOutcome,
};
pub use polls::{AfterPoll, ClaimedPoll, DuePoll, PollClaim, PollEnd};
pub use provider_client::{
    AuthorizationRequest, CallError, ClientCredentials, DerivedTokenRequest, Identified, IdentityRequest,
    NoBaseUrl, Presentation, ProviderClient, RawResponse, RevocationAnswer, RevocationRequest, RevokedToken,
    SendGate, SendRefused, TokenOutcome, TokenRequest,
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
pub use store_span::traced;
pub use tenant_store::{RegistrationFilter, TenantStore};
pub use trace_context::{NoTraces, SPANS, TraceContext, TraceParent};
pub use wakeups::{Heard, InProcessWakeups, News, Wakeup, WakeupStream, Wakeups};
pub use webhook_sender::{Delivery, DeliveryRefusal, WebhookSender};
pub use webhook_store::{
    ClaimedWebhook, DeliveryClaim, DeliveryNote, FailingDelivery, Redelivery, WebhookChange, WebhookFilter,
    WebhookKey, WebhookSecretChange, WebhookSecrets, WebhookStore,
};
