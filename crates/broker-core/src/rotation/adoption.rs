//! Making an answer the grant's new token set, and closing attempts without one.

use std::time::Duration;

use broker_crypto::{Place, Sealed, Secret, TenantKeys};

use super::expiry::expires_at;
use crate::authorization::{ACCOUNT_CHANGED, DUPLICATE_TOKEN};
use crate::error::chain;
use crate::keys::SealFor;
use crate::ports::{
    AdoptOutcome, Adoption, AttemptEnd, Lineage, News, Origin, ReplacedTokens, StoreError, Wakeup,
};
use crate::schedule::{DueRules, GrantEnd, IdleLife, Issue, first_notice, next_due, overruns, pace};
use crate::{
    Attempt, Authorization, Broker, BrokerError, Generation, Grant, GrantWindow, ProviderProfile,
    RevocationReach, SealedTokenSet, Timestamp, TokenResponse,
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
    /// The answer repeats the access token held, which is known to expire then: the provider gives no other before.
    pub(crate) repeated_until: Option<Timestamp>,
    /// How long grants of its registration live.
    pub(crate) window: GrantWindow,
    /// It was known before that it outlives its window.
    pub(crate) overran_window: bool,
    /// What is known of a lineage that begins.
    pub(crate) origin: Origin,
}

impl Standing {
    /// What holds for the first token set of a consent.
    pub(super) fn of_consent(
        authorization: &Authorization,
        attempt: &Attempt,
        window: GrantWindow,
        origin: Origin,
    ) -> Self {
        let consented_at = authorization.import.map_or(attempt.claimed_at, |import| import.consented_at);
        Self {
            lineage: Lineage::New { authorization: authorization.id, consented_at },
            consented_at,
            wanted_at: None,
            scopes: authorization.scopes.clone(),
            holds_refresh_token: false,
            repeated_until: None,
            window,
            overran_window: false,
            origin,
        }
    }

    /// What of a grant holds for its next token set too.
    pub(crate) fn of_grant(grant: &Grant, window: GrantWindow) -> Self {
        Self {
            lineage: Lineage::Present,
            consented_at: grant.consented_at,
            wanted_at: None,
            scopes: grant.scopes.clone(),
            holds_refresh_token: grant.refreshable,
            repeated_until: None,
            window,
            overran_window: grant.overruns_window(),
            origin: Origin::default(),
        }
    }
}

impl Standing {
    /// Whether a success at `at` tells for the first time that the window is wrong. A first token set tells nothing.
    fn is_overrun_now(&self, end: &GrantEnd, at: Timestamp) -> bool {
        self.lineage == Lineage::Present
            && !self.overran_window
            && overruns(end.dies_at, self.consented_at, at)
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
            let (at, set) = (
                self.clock.now(),
                self.seal_set(attempt, base.next(), tokens, standing, profile, keys).await?,
            );
            let adoption = Adoption {
                attempt: attempt.clone(),
                lineage: standing.lineage,
                base,
                overruns_window: standing.is_overrun_now(&set.end, at),
                tokens: set,
                at,
                replaced: replaced_tokens(profile),
                origin: standing.origin,
            };
            match self.persist(|| self.grants.adopt(&adoption)).await? {
                AdoptOutcome::Moved(generation) => base = generation,
                AdoptOutcome::Adopted(generation) => {
                    self.tally.count(&attempt.key.provider, "adopted");
                    self.tell_answered(attempt, "adopted", Some(generation));
                    self.successes.note(&attempt.key.provider, self.clock.now());
                    let grant = attempt.grant_id();
                    self.measures.losses.recovered(grant);
                    self.cache.forget(&attempt.key);
                    self.announce(Wakeup { grant, generation, news: News::Adopted });
                    if adoption.overruns_window {
                        self.tell_overrun(attempt, &adoption);
                    }
                    if let Lineage::New { .. } = standing.lineage {
                        self.to_revoke.notify_one();
                    }
                    return Ok(AdoptOutcome::Adopted(generation));
                }
                AdoptOutcome::Superseded => {
                    self.tally.count(&attempt.key.provider, "superseded");
                    self.tell_answered(attempt, "superseded", None);
                    // The store may have kept it as a revocation (rule 13).
                    self.to_revoke.notify_one();
                    return Ok(AdoptOutcome::Superseded);
                }
                AdoptOutcome::Revoking => {
                    self.tally.count(&attempt.key.provider, "revoked");
                    self.tell_answered(attempt, "revoked", None);
                    self.to_revoke.notify_one();
                    return Ok(AdoptOutcome::Revoking);
                }
                AdoptOutcome::AccountChanged => {
                    self.tally.count(&attempt.key.provider, ACCOUNT_CHANGED);
                    self.tell_answered(attempt, ACCOUNT_CHANGED, None);
                    // Where a revocation reaches nothing else, the tokens are on their way out.
                    self.to_revoke.notify_one();
                    return Ok(AdoptOutcome::AccountChanged);
                }
                AdoptOutcome::DuplicateToken => {
                    self.tally.count(&attempt.key.provider, DUPLICATE_TOKEN);
                    self.tell_answered(attempt, DUPLICATE_TOKEN, None);
                    return Ok(AdoptOutcome::DuplicateToken);
                }
                before @ AdoptOutcome::AlreadyAdopted(_) => return Ok(before),
            }
        }
    }

    /// The configuration is wrong, not the grant: somebody is to look at it.
    fn tell_overrun(&self, attempt: &Attempt, adoption: &Adoption) {
        self.tally.count(&attempt.key.provider, "window_overrun");
        tracing::warn!(
            grant = %attempt.grant_id(), tenant = %attempt.key.tenant, provider = %attempt.key.provider,
            registration = %attempt.registration, ended_at = adoption.tokens.end.dies_at.map(tracing::field::display),
            "the provider refreshes a grant whose window is over: the window that is configured is wrong"
        );
    }

    pub(crate) async fn close(&self, end: &AttemptEnd) -> Result<bool, BrokerError> {
        let closed = self.persist(|| self.grants.close_attempt(end)).await?;
        if closed {
            self.cache.forget(&end.attempt.key);
            self.tally.count(&end.attempt.key.provider, end.conclusion);
            self.tell_closed(end);
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
        let expires_at = expires_at(tokens, standing.repeated_until, issued_at, profile);
        let refreshable = tokens.refresh_token.is_some() || standing.holds_refresh_token;
        let now = self.clock.now();
        let end = match refreshable {
            true => GrantEnd::of(standing.window, tokens.window, issued_at, standing.consented_at),
            false => GrantEnd::of_token(expires_at),
        };
        let issue = Issue {
            issued_at,
            expires_at,
            consented_at: standing.consented_at,
            dies_at: end.dies_at,
            idle: IdleLife::of(end.refresh_token_timeout, end.dies_at),
            same_access_token: standing.repeated_until.is_some(),
        };
        let rules = DueRules { attempt_budget: self.timing.attempt_budget, warm_for: self.timing.warm_for };
        let draw = pace(attempt.grant_id(), generation);
        // What was imported and never redeemed is redeemed at once.
        let due_at = match tokens.access_token.expose().is_empty() {
            true => now,
            false => next_due(profile, &issue, standing.wanted_at.unwrap_or(now), now, rules, draw),
        };
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
            end,
            first_notice_at: self.first_notice(standing, &end, now).or(end.dies_at.filter(|_| !refreshable)),
            due_at: refreshable.then_some(due_at),
        })
    }

    fn first_notice(&self, standing: &Standing, end: &GrantEnd, now: Timestamp) -> Option<Timestamp> {
        first_notice(&self.timing.expiry_notices, standing.consented_at, end.authorization_ends_at, now)
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
