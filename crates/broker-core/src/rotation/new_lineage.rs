//! An answer that begins a lineage: whose account it is of is learnt before it is adopted.
//!
//! The answer lies in escrow by then. A crash in between is replayed, and a replay does all of this again.

use broker_crypto::TenantKeys;

use super::adoption::Standing;
use crate::error::chain;
use crate::ports::{AdoptOutcome, Origin};
use crate::{
    AccountDigest, Attempt, Authorization, AuthorizationStatus, Broker, BrokerError, Grant, GrantWindow,
    RefreshTokenFingerprint, RotationMode, TokenResponse,
};

impl Broker {
    /// Adopts the first token set of a consent, a device authorization or an import: the one way a lineage begins.
    ///
    /// Fails with [`BrokerError::ProviderUnavailable`] where the grant is pinned to an account and the provider does not
    /// say whose the new tokens are. The attempt then stays open: its answer is replayed until the provider does.
    pub(crate) async fn begin_lineage(
        &self,
        authorization: &Authorization,
        attempt: &Attempt,
        tokens: &mut TokenResponse,
        window: GrantWindow,
        keys: &TenantKeys,
    ) -> Result<AdoptOutcome, BrokerError> {
        if authorization.is_refused() {
            return Ok(AdoptOutcome::Superseded);
        }
        if authorization.status != AuthorizationStatus::Completed {
            // Before the account, which is asked for there.
            self.complete_base_url(&attempt.key, tokens).await;
        }
        let origin = self.origin_of(authorization, attempt, tokens).await?;
        let standing = Standing::of_consent(authorization, attempt, window, origin);
        let profile = self.provider(&attempt.key.provider)?.profile();
        let outcome = self.adopt(attempt, tokens, &standing, profile, keys).await?;
        if matches!(outcome, AdoptOutcome::Adopted(_)) {
            self.tell_of_lineage(attempt, tokens, origin).await;
        }
        Ok(outcome)
    }

    async fn origin_of(
        &self,
        authorization: &Authorization,
        attempt: &Attempt,
        tokens: &TokenResponse,
    ) -> Result<Origin, BrokerError> {
        // What has made its grant is looked up by the store, and nothing is asked of the provider.
        let account = match authorization.status == AuthorizationStatus::Completed {
            true => None,
            false => self.account_of_answer(authorization, attempt, tokens).await?,
        };
        Ok(Origin {
            account,
            may_change_account: authorization.allow_account_change,
            refresh_token: self.fingerprint_of(authorization, attempt, tokens).await,
        })
    }

    /// Waits for the provider's word only where it decides: while the grant is pinned to an account.
    async fn account_of_answer(
        &self,
        authorization: &Authorization,
        attempt: &Attempt,
        tokens: &TokenResponse,
    ) -> Result<Option<AccountDigest>, BrokerError> {
        if tokens.access_token.expose().is_empty() {
            return Ok(None);
        }
        let held = self.persist(|| self.grants.vendable(&attempt.key)).await?;
        let pinned = held.as_ref().and_then(|held| Grant::pinned_account(&held.grant));
        let decides = pinned.is_some() && !authorization.allow_account_change;
        let asked = (&attempt.key, &attempt.registration);
        match self.learn_account(asked, tokens, decides).await {
            Ok(account) => Ok(account),
            Err(error) if decides => Err(error),
            // Tokens are worth more than the name of their account, which is learnt at a later refresh.
            Err(_) => Ok(None),
        }
    }

    /// Best effort: it is evidence, never a lock. An import is recognised by what was imported.
    async fn fingerprint_of(
        &self,
        authorization: &Authorization,
        attempt: &Attempt,
        tokens: &TokenResponse,
    ) -> Option<RefreshTokenFingerprint> {
        let profile = self.provider(&attempt.key.provider).ok()?.profile();
        if profile.rotation == RotationMode::Reusable {
            return None;
        }
        if let Some(import) = authorization.import {
            return Some(import.fingerprint);
        }
        let of = (&attempt.key.tenant, &attempt.key.provider);
        let made = self.fingerprints.refresh_token(of, tokens.refresh_token.as_ref()?).await;
        made.inspect_err(|error| {
            tracing::warn!(error = chain(error), "a refresh token is kept without its fingerprint");
        })
        .ok()
    }

    /// What a product should know of a grant at the time of its consent.
    async fn tell_of_lineage(&self, attempt: &Attempt, tokens: &TokenResponse, origin: Origin) {
        if tokens.refresh_token.is_none() {
            tracing::warn!(
                grant = %attempt.grant_id(), tenant = %attempt.key.tenant, provider = %attempt.key.provider,
                registration = %attempt.registration,
                "the provider gave no refresh token: the grant ends with its access token"
            );
        }
        if origin.account.is_some() {
            self.warn_of_sharers(attempt).await;
        }
    }

    async fn warn_of_sharers(&self, attempt: &Attempt) {
        // The record is written with the adoption; this is only said.
        let Ok(others @ 1..) = self.grants.account_sharers(&attempt.key).await else { return };
        tracing::warn!(
            grant = %attempt.grant_id(), tenant = %attempt.key.tenant, provider = %attempt.key.provider, others,
            "users of the tenant share one account at the provider"
        );
    }
}
