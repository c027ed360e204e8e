//! One authorization request: from the link a user is sent to, to the grant it makes.

use broker_crypto::{CodeVerifier, Sealed};

use crate::{Actor, AuditRecord, AuthorizationId, GrantKey, LineageId, RegistrationId, Timestamp};

/// How an authorization request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationStatus {
    /// The user has not come back.
    Pending,
    /// The state was used; the code is being exchanged.
    Exchanging,
    /// The grant was made.
    Completed,
    /// The user refused.
    Denied,
    /// Something failed; the name of the failure.
    Failed(String),
}

/// One authorization request (RFC 6749 §4.1.1), kept until it is completed or late.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// Its id.
    pub id: AuthorizationId,
    /// The grant it will make.
    pub key: GrantKey,
    /// The registration it was started with.
    pub registration: RegistrationId,
    /// The lineage its tokens will begin.
    pub lineage: LineageId,
    /// The redirect URI sent, to be sent again at the exchange (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// SHA-256 of the one-time state.
    pub state_digest: [u8; 32],
    /// The PKCE verifier.
    pub verifier: Sealed<CodeVerifier>,
    /// How it stands.
    pub status: AuthorizationStatus,
    /// When it was started.
    pub created_at: Timestamp,
    /// Until when the state is accepted.
    pub expires_at: Timestamp,
}

impl Authorization {
    /// How records name it.
    pub(crate) fn resource(&self) -> String {
        format!("authorizations/{}", self.id)
    }

    /// The record that somebody did something to it.
    pub(crate) fn record(&self, by: &Actor, at: Timestamp) -> AuditRecord {
        by.did(Some(&self.key.tenant), at).about(&self.key).resource(self.resource())
    }
}
