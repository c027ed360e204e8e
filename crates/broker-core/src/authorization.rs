//! One authorization request: from the link a user is sent to, to the grant it makes.

use broker_crypto::{AuthorizationCode, CodeVerifier, Place, Sealed};

use crate::{
    Actor, AuditRecord, AuthorizationId, GrantKey, LineageId, RefreshTokenFingerprint, RegistrationId,
    Timestamp,
};

/// The failure of a consent that is of another upstream account.
pub(crate) const ACCOUNT_CHANGED: &str = "account_changed";
/// The failure of a consent or import whose refresh token belongs to another grant.
pub(crate) const DUPLICATE_TOKEN: &str = "duplicate_token";

/// How an authorization request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationStatus {
    /// The user has not come back.
    Pending,
    /// The user came back to the broker's own callback page; the product has not completed it.
    AwaitingCompletion,
    /// The state was used; the code is being exchanged.
    Exchanging,
    /// The grant was made.
    Completed,
    /// The user refused.
    Denied,
    /// Something failed; the name of the failure.
    Failed(String),
}

/// An authorization whose callback comes to the broker's own page.
#[derive(Debug, Clone)]
pub struct HostedCallback {
    /// Where the page sends the browser on to; `None` if it shows the completion code instead.
    pub return_to: Option<String>,
    /// What came back, until the authorization is settled.
    pub answer: Option<KeptCode>,
}

/// The provider's code, kept until the product says which user it is for.
#[derive(Debug, Clone)]
pub struct KeptCode {
    /// The code.
    pub code: Sealed<AuthorizationCode>,
    /// SHA-256 of the one-time completion code that stands for it.
    pub completion_digest: [u8; 32],
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
    /// Set if the broker receives its callback; `None` if the product's own redirect URI does.
    pub hosted: Option<HostedCallback>,
    /// How it stands.
    pub status: AuthorizationStatus,
    /// When it was started.
    pub created_at: Timestamp,
    /// Until when the state is accepted.
    pub expires_at: Timestamp,
    /// Another upstream account than the one of the existing grant is accepted.
    pub allow_account_change: bool,
    /// Set where no user is sent anywhere: the lineage begins with a refresh token that was obtained elsewhere.
    pub import: Option<Import>,
}

/// What is kept of an import: never the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Import {
    /// Recognises the token.
    pub fingerprint: RefreshTokenFingerprint,
    /// When the user consented.
    pub consented_at: Timestamp,
}

impl Authorization {
    /// Its answer was refused for good: what it brought is another account's or another grant's.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(&self.status, AuthorizationStatus::Failed(name) if [ACCOUNT_CHANGED, DUPLICATE_TOKEN].contains(&name.as_str()))
    }

    /// How records name it.
    pub(crate) fn resource(&self) -> String {
        format!("authorizations/{}", self.id)
    }

    /// The place its secrets are sealed at; `owner` is its id as text.
    pub(crate) fn place<'a>(&'a self, owner: &'a str) -> Place<'a> {
        Place { tenant: self.key.tenant.as_str(), owner, generation: 0 }
    }

    /// The record that somebody did something to it.
    pub(crate) fn record(&self, by: &Actor, at: Timestamp) -> AuditRecord {
        by.did(Some(&self.key.tenant), at).about(&self.key).resource(self.resource())
    }
}
