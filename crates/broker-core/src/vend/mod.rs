//! Vending: a caller asks for an access token that works.

mod api;
mod api_key;
mod cache;
mod consenting;
mod elsewhere;
mod freshness;
mod machine;
mod minted;
mod minted_refusal;
mod minter;
mod news;
mod refresher;
mod rejected;
mod rejections;
#[cfg(test)]
mod test_grant;
mod vendor;
mod waiting;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use broker_crypto::{AccessToken, DekId, Place, Sealed, TenantKeys};

pub use self::api::{Api, ApiCollaborators};
pub use self::api_key::VendedApiKey;
pub(crate) use self::api_key::no_api_keys;
pub(crate) use self::cache::{GrantCache, HeldGrant};
pub(crate) use self::consenting::Consenting;
pub(crate) use self::elsewhere::{AskingParts, Elsewhere};
pub(crate) use self::freshness::refusal;
use self::freshness::{expected_at, missing_scopes, satisfies, stale_reason};
pub use self::machine::VendedMachineCredential;
pub use self::minted::VendedMinted;
pub(crate) use self::minter::MintElsewhere;
pub(crate) use self::news::NewsDesk;
pub(crate) use self::refresher::{Here, Refresher};
pub use self::rejected::{RejectedToken, RejectedTokenOutcome};
pub(crate) use self::rejections::Rejections;
pub use self::vendor::Vendor;
pub(crate) use self::vendor::{Profiles, unknown_provider};
pub use self::watch::{Admit, InvalidationCause, TokenWatch, WatchRequest, WatchUpdate, Watched};
use crate::administer::refresh_paused;
use crate::ports::VendableGrant;
use crate::rotation::{Rotated, RotationError, Trigger};
use crate::{
    Broker, BrokerError, ConsentReplaces, Grant, GrantKey, Lifecycle, Permit, Phase, ProviderProfile,
    Timestamp,
};

/// How long a caller waits for a running refresh while a token that dies of it is still held.
const WAIT_FOR_DYING_TOKEN: Duration = Duration::from_secs(10);

/// Asks for an access token.
#[derive(Debug, Clone)]
pub struct VendRequest {
    /// Whose.
    pub key: GrantKey,
    /// How long it must still be valid.
    pub min_validity: Duration,
    /// The scopes it must have.
    pub required_scopes: Vec<String>,
    /// How long the caller waits; `None` for the default.
    pub wait: Option<Duration>,
    /// Leave of the caller to get it.
    pub permit: Permit,
}

/// An access token with what its user should know.
#[derive(Debug)]
pub struct Vended {
    /// The grant it is of.
    pub grant: Arc<VendableGrant>,
    /// The token.
    pub access_token: AccessToken,
    /// When to ask again.
    pub refresh_hint_at: Timestamp,
    /// Why it is not as fresh as it should be, if it is not.
    pub stale: Option<StaleReason>,
    /// The call waited for it: it was adopted since.
    pub refreshed: bool,
}

/// Why a token is served that a refresh should have replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleReason {
    /// The refresh failed, or takes longer than the caller waits.
    RefreshFailed,
    /// A refresh is running or its outcome is unknown; the token may already be dead.
    RotationUncertain,
    /// The user must consent again; the token lives on until it expires.
    ConsentRequired,
    /// The window of the grant is over; the token lives on until it expires.
    GrantExpired,
    /// The provider refuses the client registration.
    ClientRegistrationRejected,
    /// The store or the escrow cannot be used.
    BackendUnavailable,
    /// An operator has paused the refresh.
    RefreshPaused,
    /// The user is consenting again, which may already have ended this token at the provider.
    ReconsentRunning,
}

impl Broker {
    /// [`Vendor::vend`] with this broker's rotation behind it.
    pub async fn vend(self: &Arc<Self>, request: &VendRequest) -> Result<Vended, BrokerError> {
        self.vendor().vend(request).await
    }
}

impl Vendor {
    /// Answers with a token that satisfies the request, refreshing it first if it must.
    ///
    /// A token still valid is served even when its refresh fails (RFC 6749 §1.5 gives no better one).
    /// Fails with the errors of the contract's table; never waits beyond the request's `wait`.
    pub async fn vend(&self, request: &VendRequest) -> Result<Vended, BrokerError> {
        let began = self.clock.now();
        let profile = self.profile(&request.key.provider)?;
        let mut held = self.vendable(&request.key).await?;
        let missing = missing_scopes(&held.grant.scopes, &request.required_scopes);
        if held.grant.lifecycle != Lifecycle::Active || !missing.is_empty() {
            // A consent may have set it right.
            held = held.not_blind()?;
        }
        request.permit.extends_to_scopes(&request.key, &held.grant.scopes)?;
        if held.grant.lifecycle.is_revoked() {
            return Err(refusal(&held.grant, began, self.timing.retry_base));
        }
        self.noted.asked(&request.key, began);
        if !missing.is_empty() {
            return Err(BrokerError::MissingScopes(missing));
        }
        let fresh =
            satisfies(&held.grant, request.min_validity, began) && !self.is_dying(&held.grant, profile);
        if fresh && held.grant.lifecycle == Lifecycle::Active {
            return match profile.old_access_token_dies_on_refresh {
                true => self.vend_unless_dying(request, held, profile, began).await,
                false => self.open(held, began, None).await,
            };
        }
        self.vend_refreshed(request, held, profile, began).await
    }

    /// The provider has only one live token for a grant, and was said to reject this one: the next must be had, if it can.
    fn is_dying(&self, grant: &Grant, profile: &ProviderProfile) -> bool {
        profile.old_access_token_dies_on_refresh && self.rejections.has(grant.id, grant.generation)
    }

    /// The token is fresh enough, but dies when a refresh that is running now succeeds.
    async fn vend_unless_dying(
        &self,
        request: &VendRequest,
        held: HeldGrant,
        profile: &ProviderProfile,
        began: Timestamp,
    ) -> Result<Vended, BrokerError> {
        let grant = held.grant.id;
        let flight = self.refresher.running(grant);
        if flight.is_none() && !self.news.is_sent_elsewhere(grant, began) {
            let uncertain = matches!(held.grant.phase, Phase::Sent | Phase::Uncertain);
            return self.open(held, began, uncertain.then_some(StaleReason::RotationUncertain)).await;
        }
        let end_of_it = async {
            match flight {
                Some(mut flight) => drop(flight.landed().await),
                None => self.adopted_elsewhere(&held).await,
            }
        };
        let wait = request.wait.unwrap_or(self.timing.default_wait).min(WAIT_FOR_DYING_TOKEN);
        if self.within(Some(wait), end_of_it).await.is_none() {
            return self.open(held, began, Some(StaleReason::RotationUncertain)).await;
        }
        let now_held = self.vendable(&request.key).await?;
        let now = self.clock.now();
        if now_held.grant.generation > held.grant.generation {
            return self.open_checked(now_held, request, now).await;
        }
        match now_held.grant.lifecycle == Lifecycle::Active && now_held.grant.phase == Phase::Idle {
            true => self.open(now_held, now, None).await,
            false => self.vend_as_is(now_held, profile, now).await,
        }
    }

    /// The token is not fresh enough: a refresh must be waited for, unless it makes no sense to try.
    async fn vend_refreshed(
        &self,
        request: &VendRequest,
        held: HeldGrant,
        profile: &ProviderProfile,
        began: Timestamp,
    ) -> Result<Vended, BrokerError> {
        let grant = &held.grant;
        let flight = match self.refresher.running(grant.id) {
            Some(flight) => Some(flight),
            None if grant.lifecycle != Lifecycle::Active || !grant.refreshable => None,
            None if grant.paused_until(began).is_some() => None,
            None => Some(self.refresher.refresh(grant, Trigger::Caller)),
        };
        let Some(flight) = flight else { return self.vend_as_is(held, profile, began).await };
        let rotated = self.within(request.wait, self.landed_anywhere(&held, flight)).await;
        let rotated = rotated.unwrap_or(Rotated::StillRunning);
        let now_held = self.vendable(&request.key).await?;
        let now = self.clock.now();
        let alive = now_held.grant.expires_at > now;
        // Any token adopted after the call began is as fresh as one can be, whatever its life.
        if alive && now_held.grant.generation > held.grant.generation {
            return self.open_checked(now_held, request, now).await;
        }
        match rotated {
            Rotated::Failed(error) if !alive => Err(error.into()),
            Rotated::RegistrationPaused(_) if alive => {
                self.open(now_held, now, Some(StaleReason::ClientRegistrationRejected)).await
            }
            Rotated::RegistrationPaused(_) => {
                Err(BrokerError::ClientRegistrationRejected(now_held.grant.registration.clone()))
            }
            Rotated::RefreshPaused(_) if alive => {
                self.open(now_held, now, Some(StaleReason::RefreshPaused)).await
            }
            Rotated::RefreshPaused(until) => Err(refresh_paused(until, now, &self.timing)),
            Rotated::ProviderRests(until) if !alive => {
                Err(BrokerError::ProviderUnavailable(until.since(now)))
            }
            Rotated::Failed(RotationError::Backend(_) | RotationError::KeysExhausted)
                if now_held.grant.phase == Phase::Idle =>
            {
                self.open(now_held, now, Some(StaleReason::BackendUnavailable)).await
            }
            Rotated::StillRunning if alive && profile.old_access_token_dies_on_refresh => {
                self.open(now_held, now, Some(StaleReason::RotationUncertain)).await
            }
            _ => self.vend_as_is(now_held, profile, now).await,
        }
    }

    /// A token set that came meanwhile may cover less than the one before, or more than the caller may have.
    async fn open_checked(
        &self,
        held: HeldGrant,
        request: &VendRequest,
        now: Timestamp,
    ) -> Result<Vended, BrokerError> {
        request.permit.extends_to_scopes(&request.key, &held.grant.scopes)?;
        let missing = missing_scopes(&held.grant.scopes, &request.required_scopes);
        match missing.is_empty() {
            true => Ok(Vended { refreshed: true, ..self.open(held, now, None).await? }),
            false => Err(BrokerError::MissingScopes(missing)),
        }
    }

    /// No fresher token is to be had: serve the one held while it lives, else say why not.
    async fn vend_as_is(
        &self,
        held: HeldGrant,
        profile: &ProviderProfile,
        now: Timestamp,
    ) -> Result<Vended, BrokerError> {
        let grant = &held.grant;
        let ended = grant.lifecycle != Lifecycle::Active && profile.old_access_token_dies_on_refresh;
        if grant.expires_at <= now || ended {
            return Err(refusal(grant, now, self.timing.retry_base));
        }
        let reason = stale_reason(grant, profile.old_access_token_dies_on_refresh);
        self.open(held, now, reason).await
    }

    async fn open(
        &self,
        held: HeldGrant,
        now: Timestamp,
        stale: Option<StaleReason>,
    ) -> Result<Vended, BrokerError> {
        let (held, keys) = self.openable(held).await?;
        let grant = &held.grant;
        let stale = match stale {
            // Another replica may have ended it.
            None | Some(StaleReason::BackendUnavailable)
                if held.is_blind() && self.dies_on_refresh(grant) =>
            {
                Some(StaleReason::RotationUncertain)
            }
            None if self.is_reconsenting(grant, now) => Some(StaleReason::ReconsentRunning),
            stale => stale,
        };
        let owner = grant.id.to_string();
        let place =
            Place { tenant: grant.key.tenant.as_str(), owner: &owner, generation: grant.generation.get() };
        // Rule 12: a grant that was revoked while the caller waited holds none.
        let sealed = held.access_token.as_ref();
        let sealed = sealed.ok_or_else(|| refusal(grant, now, self.timing.retry_base))?;
        let access_token = keys.open(sealed, place)?;
        let refresh_hint_at = expected_at(grant.due_at, grant.expires_at, now, self.timing.retry_base);
        Ok(Vended { access_token, refresh_hint_at, stale, grant: held.into_row(), refreshed: false })
    }

    fn dies_on_refresh(&self, grant: &Grant) -> bool {
        let profile = self.profiles.get(&grant.key.provider);
        profile.is_none_or(|profile| profile.old_access_token_dies_on_refresh)
    }

    /// Rule 13: whether the user is consenting anew, where that may end the present token.
    fn is_reconsenting(&self, grant: &Grant, now: Timestamp) -> bool {
        let replaces = self.profiles.get(&grant.key.provider).map(|profile| profile.consent_replaces);
        replaces != Some(ConsentReplaces::No) && self.news.consenting().contains(grant.id, now)
    }

    /// The grant, and the keys it opens under. One kept here since before its tenant's keys were rotated may be sealed
    /// under a key that is retired: then the store has it under another.
    async fn openable(&self, held: HeldGrant) -> Result<(HeldGrant, Arc<TenantKeys>), BrokerError> {
        let (tenant, needed) = (&held.grant.key.tenant, sealed_under(&held));
        let keys = self.keys.opening(tenant, needed).await?;
        if needed.is_none_or(|key| keys.holds(key)) {
            return Ok((held, keys));
        }
        self.cache.doubt(held.row());
        let held = self.vendable(&held.grant.key).await?.not_blind()?;
        let keys = self.keys.opening(&held.grant.key.tenant, sealed_under(&held)).await?;
        Ok((held, keys))
    }
}

fn sealed_under(held: &VendableGrant) -> Option<DekId> {
    held.access_token.as_ref().and_then(Sealed::key_id)
}
