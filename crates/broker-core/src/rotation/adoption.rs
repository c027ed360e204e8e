//! Making an answer the grant's new token set, and closing attempts without one.

use std::time::Duration;

use broker_crypto::{Place, Sealed, Secret, TenantKeys};

use crate::error::chain;
use crate::keys::SealFor;
use crate::ports::{AdoptOutcome, Adoption, AttemptEnd, Lineage, News, ReplacedTokens, StoreError, Wakeup};
use crate::schedule::{DueRules, Issue, dies_at, next_due, pace};
use crate::{
    Attempt, Authorization, Broker, BrokerError, Generation, Grant, ProviderProfile, RevocationReach,
    SealedTokenSet, Timestamp, TokenResponse,
};

/// Longest pause between tries to write down what a provider answered.
const PERSIST_CAP: Duration = Duration::from_secs(30);

/// The facts of a grant that an answer does not repeat.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// The lineage it is adopted on.
    pub(crate) lineage: Lineage,
    /// When the user consented.
    pub(crate) consented_at: Timestamp,
    /// When it was last wanted; `None`, as after a crash, counts as now.
    pub(crate) wanted_at: Option<Timestamp>,
    /// The scopes that hold if the answer names none (RFC 6749 §5.1).
    pub(crate) scopes: Vec<String>,
    /// A refresh token is held already and stays if the answer brings none (RFC 6749 §6).
    pub(crate) holds_refresh_token: bool,
    /// The answer repeats the access token held: the provider gives no other before it expires.
    pub(crate) same_access_token: bool,
}

impl Standing {
    /// What holds for the first token set of a consent.
    pub(crate) fn of_consent(authorization: &Authorization, attempt: &Attempt) -> Self {
        Self {
            lineage: Lineage::New { authorization: authorization.id, consented_at: attempt.claimed_at },
            consented_at: attempt.claimed_at,
            wanted_at: None,
            scopes: authorization.scopes.clone(),
            holds_refresh_token: false,
            same_access_token: false,
        }
    }

    /// What of a grant holds for its next token set too.
    pub(crate) fn of_grant(grant: &Grant) -> Self {
        Self {
            lineage: Lineage::Present,
            consented_at: grant.consented_at,
            wanted_at: None,
            scopes: grant.scopes.clone(),
            holds_refresh_token: grant.refreshable,
            same_access_token: false,
        }
    }
}

impl Broker {
    /// Adopts, again and again while the store does not answer: the tokens exist nowhere else but in escrow.
    pub(crate) async fn adopt(
        &self,
        attempt: &Attempt,
        tokens: &TokenResponse,
        standing: &Standing,
        profile: &ProviderProfile,
        keys: &TenantKeys,
    ) -> Result<AdoptOutcome, BrokerError> {
        let mut base = attempt.generation;
        loop {
            let adoption = Adoption {
                attempt: attempt.clone(),
                lineage: standing.lineage,
                base,
                tokens: self.seal_set(attempt, base.next(), tokens, standing, profile, keys).await?,
                at: self.clock.now(),
                replaced: replaced_tokens(profile),
            };
            match self.persist(|| self.grants.adopt(&adoption)).await? {
                AdoptOutcome::Moved(generation) => base = generation,
                AdoptOutcome::Adopted(generation) => {
                    self.tally.count(&attempt.key.provider, "adopted");
                    self.successes.note(&attempt.key.provider, self.clock.now());
                    let grant = attempt.grant_id();
                    self.cache.forget(&attempt.key);
                    self.announce(Wakeup { grant, generation, news: News::Adopted });
                    if let Lineage::New { .. } = standing.lineage {
                        self.to_revoke.notify_one();
                    }
                    return Ok(AdoptOutcome::Adopted(generation));
                }
                AdoptOutcome::Superseded => {
                    self.tally.count(&attempt.key.provider, "superseded");
                    // The store may have kept it as a revocation (rule 13).
                    self.to_revoke.notify_one();
                    return Ok(AdoptOutcome::Superseded);
                }
                AdoptOutcome::Revoking => {
                    self.tally.count(&attempt.key.provider, "revoked");
                    self.to_revoke.notify_one();
                    return Ok(AdoptOutcome::Revoking);
                }
                before @ AdoptOutcome::AlreadyAdopted(_) => return Ok(before),
            }
        }
    }

    pub(crate) async fn close(&self, end: &AttemptEnd) -> Result<bool, BrokerError> {
        let closed = self.persist(|| self.grants.close_attempt(end)).await?;
        if closed {
            self.tally.count(&end.attempt.key.provider, end.conclusion);
        }
        Ok(closed)
    }

    /// Retries a write while the store is unavailable.
    pub(crate) async fn persist<T, W, F>(&self, mut write: W) -> Result<T, StoreError>
    where
        W: FnMut() -> F,
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut pause = Duration::from_millis(100);
        loop {
            match write().await {
                Err(StoreError::Unavailable(source)) => {
                    self.fleet.store_answered(false);
                    tracing::error!(
                        error = chain(source.as_ref()),
                        "the outcome of an attempt could not be stored; trying again"
                    );
                    self.clock.sleep_until(self.clock.now() + pause).await;
                    pause = (pause * 2).min(PERSIST_CAP);
                }
                settled => {
                    self.fleet.store_answered(true);
                    return settled;
                }
            }
        }
    }

    async fn seal_set(
        &self,
        attempt: &Attempt,
        generation: Generation,
        tokens: &TokenResponse,
        standing: &Standing,
        profile: &ProviderProfile,
        keys: &TenantKeys,
    ) -> Result<SealedTokenSet, BrokerError> {
        // Counted from before the request left, so that its travel time is never credited to the token.
        let issued_at = attempt.claimed_at;
        let expires_at = issued_at + tokens.expires_in.unwrap_or(profile.access_token_lifetime);
        let refreshable = tokens.refresh_token.is_some() || standing.holds_refresh_token;
        let dies_at = grant_end(tokens, profile, issued_at, standing.consented_at);
        let issue = Issue {
            issued_at,
            expires_at,
            dies_at,
            refresh_token_timeout: tokens.refresh_token_timeout,
            same_access_token: standing.same_access_token,
        };
        let now = self.clock.now();
        let rules = DueRules { attempt_budget: self.timing.attempt_budget, warm_for: self.timing.warm_for };
        let draw = pace(attempt.grant_id(), generation);
        let due_at = next_due(profile, &issue, standing.wanted_at.unwrap_or(now), now, rules, draw);
        Ok(SealedTokenSet {
            generation,
            access_token: self.seal_at(attempt, generation, &tokens.access_token, keys).await?,
            refresh_token: match &tokens.refresh_token {
                Some(token) => Some(self.seal_at(attempt, generation, token, keys).await?),
                None => None,
            },
            token_type: tokens.token_type.clone(),
            scopes: tokens.scopes.clone().unwrap_or_else(|| standing.scopes.clone()),
            api_base_url: tokens.api_base_url.clone(),
            issued_at,
            expires_at,
            dies_at,
            due_at: refreshable.then_some(due_at),
        })
    }

    async fn seal_at<T: Secret>(
        &self,
        attempt: &Attempt,
        generation: Generation,
        secret: &T,
        keys: &TenantKeys,
    ) -> Result<Sealed<T>, BrokerError> {
        let owner = attempt.grant_id().to_string();
        let place =
            Place { tenant: attempt.key.tenant.as_str(), owner: &owner, generation: generation.get() };
        let tenant = &attempt.key.tenant;
        let right = self.persist(|| self.keys.right_to_seal(tenant, keys, T::PURPOSE, SealFor::BegunWork));
        Ok(right.await??.seal(secret, place, self.entropy.as_ref())?)
    }
}

/// Rule 13: what must not reach the new consent is let go.
fn replaced_tokens(profile: &ProviderProfile) -> ReplacedTokens {
    match profile.revocation_reaches {
        RevocationReach::Token => ReplacedTokens::Revoke,
        RevocationReach::Authorization | RevocationReach::Unknown => ReplacedTokens::LetGo,
    }
}

/// The provider's own word on its windows goes before the profile's.
fn grant_end(
    tokens: &TokenResponse,
    profile: &ProviderProfile,
    issued_at: Timestamp,
    consented_at: Timestamp,
) -> Option<Timestamp> {
    let idle = tokens.refresh_token_timeout.or(profile.refresh_token_timeout);
    match tokens.authorization_expires_in {
        Some(remaining) => dies_at(idle, Some(remaining), issued_at, issued_at),
        None => dies_at(idle, profile.authorization_expires_in, issued_at, consented_at),
    }
}
