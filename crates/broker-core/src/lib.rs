//! The middle of the token broker: what a grant is, how a token is vended and how one is rotated.
//!
//! Nothing here opens a socket, reads the environment or asks what time it is. The outside comes in
//! through the traits in [`ports`]; the words are those of `docs/rotation.md` and RFC 6749.

mod access;
mod administer;
mod attempt;
mod audit;
mod authorization;
mod broker;
mod census;
mod clock;
mod consent;
mod deletion;
mod device_authorization;
mod error;
mod events;
mod failure;
mod fingerprints;
mod fleet;
mod grant;
mod grant_key;
mod ids;
mod keys;
mod machine_credential;
pub mod measure;
mod measures;
mod mint;
mod minting;
mod notices;
mod operate;
pub mod ports;
mod principal;
mod profile;
mod quota;
mod registered_secret;
mod registration;
mod revocation;
mod rotation;
mod row_version;
pub mod schedule;
mod scheduler;
mod tenant;
#[cfg(feature = "testing")]
pub mod testing;
mod timestamp;
mod timing;
mod token_set;
mod upstream_account;
mod vend;
mod webhooks;
mod window;

pub use access::{
    Access, AccessAction, AccessCount, AccessPolicy, AccessRule, AccessSettings, ActionSet, Ask, Asked,
    BadRate, Enforcement, NewAccessPolicy, Permit, PolicyFilter, PolicyOrigin, PolicySet, PrincipalPattern,
    Reach, RequestRate, ScopeLimit,
};
pub use administer::{
    AddSecret, ClientSecretTest, ClientVerdict, NewRegistration, ProviderStanding, RefreshStatus,
    RegistrationUpdate,
};
pub use attempt::{Attempt, AttemptKind, AttemptPhase};
pub use audit::{
    Actor, AuditAction, AuditCount, AuditDefect, AuditKeys, AuditOutcome, AuditRange, AuditRecord, AuditSink,
    AuditVerdict, BrokenRecord, CHECKPOINT_EVERY, ChainMark, ChainedRecord, INSTALLATION, KeptRecord,
    Recorder, RecorderCount, RecorderSettings, Sealer, TokenFingerprint, VendRecording, Writers,
};
pub use authorization::{Authorization, AuthorizationStatus, HostedCallback, Import, KeptCode};
pub use broker::{Broker, Collaborators};
pub use census::{Census, Counted};
pub use clock::Clock;
pub use consent::{
    CompleteRequest, DeviceStarted, HostedCompletion, Hosting, ImportRequest, ReceivedAnswer,
    ReceivedCallback, RefusedCallback, StartRequest, Started,
};
pub use device_authorization::{DeviceAuthorization, Polling};
pub use error::{AuthorizationProblem, BrokerError, FieldViolation};
pub use events::{Event, EventFeed, EventGrant, EventType, EventWatch, FeedRole, Seen};
pub use failure::{FailureKind, ProviderFailure};
pub use fleet::Barred;
pub use grant::{ConsentCause, Generation, Grant, LastFailure, Lifecycle, Phase};
pub use grant_key::GrantKey;
pub use ids::{
    AccountLabel, AttemptId, AuthorizationId, DeliveryClaimId, EscrowId, GrantId, IncarnationId,
    InstallationId, InvalidName, KeyRotationId, LineageId, PolicyId, ProviderName, RegistrationId, RequestId,
    RevocationId, TenantId, UserId, WebhookId,
};
pub use keys::{
    KeyCursor, KeyInfo, KeyKind, KeyLife, KeyList, KeyQuery, KeyRotation, KeyRotationState, KeyRotationWalk,
    KeyUse, WrappingKeys,
};
pub use machine_credential::{
    ApiKey, MachineCredential, MachineCredentialHeld, NewMachineCredential, SealedApiKey,
};
pub use measures::Measures;
pub use minting::{MintMark, MintSource, MintedToken, Minting};
pub use principal::Principal;
pub use profile::{
    ApiKeyHeaders, CallbackIssuer, ConsentReplaces, ProviderProfile, ReusePolicy, RevocationReach,
    RevokedTokens, RotationMode,
};
pub use quota::{Quota, QuotaKind, Quotas, TenantQuotas};
pub use registered_secret::{RegisteredSecret, SecretId};
pub use registration::ClientRegistration;
pub use revocation::{BulkRevocation, RevocationOutcome};
pub use rotation::{AttemptCount, EscrowLoad, Losses, Recovered};
pub use row_version::RowVersion;
pub use scheduler::{BreakerStanding, BreakerState, Gate, ProviderStatus, SchedulerStatus};
pub use tenant::Tenant;
pub use timestamp::Timestamp;
pub use timing::{Timing, UnsafeTiming};
pub use token_set::{SealedTokenSet, TokenResponse};
pub use upstream_account::{AccountDigest, RefreshTokenFingerprint, UpstreamAccount};
pub use vend::{
    Admit, Api, ApiCollaborators, InvalidationCause, RejectedToken, RejectedTokenOutcome, StaleReason,
    TokenWatch, VendRequest, Vended, VendedApiKey, VendedMachineCredential, VendedMinted, Vendor,
    WatchRequest, WatchUpdate, Watched,
};
pub use webhooks::{
    DeliveryFailure, LastDeliveryFailure, NewWebhook, Webhook, WebhookProgress, WebhookStanding,
    WebhookState, WebhookUpdate,
};
pub use window::GrantWindow;
