//! The doors of the middle: one trait per conversation with the outside, object-safe.

mod consent_store;
mod escrow;
mod grant_store;
mod lease;
mod provider_client;
mod store_error;
mod tenant_store;

pub use consent_store::ConsentStore;
pub use escrow::{EarlierRecords, Escrow, EscrowError, EscrowRecord};
pub use grant_store::{
    AdoptOutcome, Adoption, AttemptEnd, ClaimOutcome, ClaimedRefresh, DueGrant, ExchangeClaim, GrantAfter,
    GrantFilter, GrantStore, Lineage, RefreshClaim, VendableGrant,
};
pub use lease::{InProcessLeases, Lease, LeaseError, LeaseManager, LeaseOutcome};
pub use provider_client::{
    AuthorizationRequest, CallError, ClientCredentials, Presentation, ProviderClient, RawResponse, SendGate,
    SendRefused, TokenOutcome, TokenRequest,
};
pub use store_error::StoreError;
pub use tenant_store::TenantStore;
