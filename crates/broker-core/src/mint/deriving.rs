//! Asking for a token of another account, with the token of a grant.

use std::sync::Arc;
use std::time::Duration;

use super::asking::read;
use super::making::Fresh;
use crate::ports::DerivedTokenRequest;
use crate::{
    Broker, BrokerError, FailureKind, GrantKey, Lifecycle, Minting, Permit, ProviderFailure, VendRequest,
};

/// So long the token of the grant must still live: one call is made with it.
const PARENT_VALIDITY: Duration = Duration::from_secs(60);

impl Broker {
    /// Shows the grant's token to the provider. A grant that has none to show is a dead token: whoever asks for the
    /// derived one is told why.
    pub(super) async fn derive(
        self: &Arc<Self>,
        key: &GrantKey,
        minting: &Minting,
        target: &str,
    ) -> Result<Result<Fresh, ProviderFailure>, BrokerError> {
        let Some(parent) = minting.parent(key) else { return Err(BrokerError::GrantNotFound) };
        let provider = self.provider(&key.provider)?;
        let request = VendRequest {
            key: parent,
            min_validity: PARENT_VALIDITY,
            required_scopes: Vec::new(),
            wait: Some(self.timing.attempt_budget),
            permit: Permit::unlimited(),
        };
        let vended = match self.vend(&request).await {
            Ok(vended) if vended.grant.grant.lifecycle == Lifecycle::Active => vended,
            Ok(_) => return Ok(Err(ProviderFailure::of(FailureKind::DeadToken))),
            Err(error) => return of_parent(error).map(Err),
        };
        let request =
            DerivedTokenRequest { access_token: &vended.access_token, target, scopes: &minting.scopes };
        let answer = provider.derive_token(request).await;
        let outcome = read(answer, |response| provider.interpret_derived(response));
        let grant = &vended.grant.grant;
        // The grant lives: what is refused is what was asked for.
        let fresh =
            self.heard_of_mint(key, &grant.registration, outcome).map_err(|failure| match failure.kind {
                FailureKind::DeadToken => ProviderFailure { kind: FailureKind::Refused, ..failure },
                _ => failure,
            });
        // What the provider says has expired is no token.
        let fresh = fresh.and_then(|fresh| match fresh.tokens.expires_in {
            Some(Duration::ZERO) => Err(ProviderFailure::of(FailureKind::Refused)),
            _ => Ok(Fresh { lineage: Some(grant.lineage), ..fresh }),
        });
        Ok(fresh)
    }
}

/// What the grant's own failure means for what is derived from it.
fn of_parent(error: BrokerError) -> Result<ProviderFailure, BrokerError> {
    let (kind, retry_after) = match error {
        BrokerError::GrantNotFound | BrokerError::ConsentRequired(_) | BrokerError::GrantExpired { .. } => {
            (FailureKind::DeadToken, None)
        }
        BrokerError::ClientRegistrationRejected(_) => (FailureKind::ClientRejected, None),
        BrokerError::ProviderUnavailable(wait) | BrokerError::RefreshInProgress(wait) => {
            (FailureKind::Unreachable, Some(wait))
        }
        BrokerError::RefreshPaused(wait) => (FailureKind::Unreachable, Some(wait)),
        error => return Err(error),
    };
    Ok(ProviderFailure { retry_after, ..ProviderFailure::of(kind) })
}
