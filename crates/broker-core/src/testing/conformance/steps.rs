//! The steps of the protocol, in a word each.

use super::World;
use super::samples::{HOUR, NOW, after, record, registration_id, tokens};
use crate::ports::{
    AdoptOutcome, Adoption, AttemptEnd, ClaimOutcome, ClaimedRefresh, ExchangeClaim, GrantAfter, Lineage,
    RefreshClaim, ReplacedTokens, SentMark, SentOutcome,
};
use crate::{
    Attempt, Authorization, AuthorizationId, Generation, Grant, GrantKey, Lifecycle, Phase, RegistrationId,
    Timestamp,
};

pub(super) fn adopted(generation: u64) -> AdoptOutcome {
    AdoptOutcome::Adopted(Generation::new(generation))
}

/// Consents.
impl World {
    pub(super) fn exchange_of(&self, authorization: &Authorization) -> ExchangeClaim {
        ExchangeClaim {
            tenant: authorization.key.tenant.clone(),
            authorization: authorization.id,
            attempt: self.attempt_id(),
            owner: self.owner,
            at: NOW,
            record: record(),
        }
    }

    /// An open code exchange.
    pub(super) async fn exchange(&self, key: &GrantKey) -> (Attempt, AuthorizationId) {
        self.exchange_with(key, registration_id()).await
    }

    async fn exchange_with(
        &self,
        key: &GrantKey,
        registration: RegistrationId,
    ) -> (Attempt, AuthorizationId) {
        let authorization = self.request(key, registration);
        self.consents.start_authorization(&authorization, &record()).await.unwrap();
        let claim = self.exchange_of(&authorization);
        let attempt = self.grants.claim_exchange(&claim).await.unwrap().attempt().unwrap();
        (attempt, authorization.id)
    }

    /// A grant at generation 1, refreshable, of the tenant's usual registration.
    pub async fn grant(&self, key: &GrantKey) -> Grant {
        self.grant_with(key, registration_id()).await
    }

    pub(super) async fn grant_with(&self, key: &GrantKey, registration: RegistrationId) -> Grant {
        let exchange = self.exchange_with(key, registration).await;
        assert_eq!(self.adopt_new(&exchange, 0).await, adopted(1));
        self.read(key).await
    }

    /// Consents once more: a new lineage.
    pub(super) async fn reconsent(&self, key: &GrantKey) -> Grant {
        let base = self.read(key).await.generation.get();
        let exchange = self.exchange(key).await;
        assert_eq!(self.adopt_new(&exchange, base).await, adopted(base + 1));
        self.read(key).await
    }
}

/// Claims and SENT.
impl World {
    pub fn claim_of(&self, key: &GrantKey, generation: u64) -> RefreshClaim {
        RefreshClaim {
            key: key.clone(),
            generation: Generation::new(generation),
            attempt: self.attempt_id(),
            owner: self.owner,
            at: NOW,
            hold_until: NOW + HOUR,
            epoch: self.epoch,
            canary_until: NOW + HOUR,
        }
    }

    pub(super) async fn try_claim(&self, key: &GrantKey, generation: u64) -> ClaimOutcome {
        self.grants.claim_refresh(&self.claim_of(key, generation)).await.unwrap()
    }

    /// A claim that must be granted.
    pub async fn claim(&self, key: &GrantKey, generation: u64) -> ClaimedRefresh {
        granted(self.try_claim(key, generation).await)
    }

    /// Marks an attempt as sent now; whether it may be.
    pub async fn send(&self, attempt: &Attempt) -> bool {
        self.send_at(attempt, NOW).await == SentOutcome::Marked
    }

    pub(super) async fn send_at(&self, attempt: &Attempt, at: Timestamp) -> SentOutcome {
        let mark = SentMark { attempt: attempt.clone(), at, replay_within: None };
        self.grants.mark_sent(&mark).await.unwrap()
    }
}

pub(super) fn granted(outcome: ClaimOutcome) -> ClaimedRefresh {
    match outcome {
        ClaimOutcome::Claimed(claimed) => *claimed,
        other => panic!("not claimed: {other:?}"),
    }
}

/// Adopting.
impl World {
    /// Adopts the answer of an exchange as generation `base + 1`.
    pub(super) async fn adopt_new(
        &self,
        (attempt, authorization): &(Attempt, AuthorizationId),
        base: u64,
    ) -> AdoptOutcome {
        let lineage = Lineage::New { authorization: *authorization, consented_at: NOW };
        self.adopt(attempt, lineage, base, true).await
    }

    /// Adopts the answer of a refresh, sealed after the generation it presents.
    pub(super) async fn adopt_refresh(&self, attempt: &Attempt) -> AdoptOutcome {
        self.adopt_after(attempt, attempt.generation.get()).await
    }

    /// Adopts the answer of a refresh, sealed after `base`.
    pub(super) async fn adopt_after(&self, attempt: &Attempt, base: u64) -> AdoptOutcome {
        self.adopt(attempt, Lineage::Present, base, true).await
    }

    pub(super) async fn adopt(
        &self,
        attempt: &Attempt,
        lineage: Lineage,
        base: u64,
        refresh_token: bool,
    ) -> AdoptOutcome {
        self.grants.adopt(&self.adoption_of(attempt, lineage, base, refresh_token)).await.unwrap()
    }

    /// An adoption that lets replaced tokens go.
    pub(super) fn adoption_of(
        &self,
        attempt: &Attempt,
        lineage: Lineage,
        base: u64,
        refresh_token: bool,
    ) -> Adoption {
        Adoption {
            attempt: attempt.clone(),
            lineage,
            base: Generation::new(base),
            tokens: tokens(base + 1, refresh_token),
            at: NOW,
            replaced: ReplacedTokens::LetGo,
            overruns_window: false,
            origin: Default::default(),
        }
    }
}

/// Closing.
impl World {
    /// How cases end an attempt: with this and nothing else, unless they say so.
    pub(super) fn end_of(&self, attempt: &Attempt, after: Option<GrantAfter>) -> AttemptEnd {
        AttemptEnd {
            conclusion: "test",
            grant: after,
            authorization_failure: Some("test_failure"),
            ..AttemptEnd::without_grant(attempt, NOW)
        }
    }

    /// `false`: it was closed before.
    pub async fn close(&self, attempt: &Attempt, after: Option<GrantAfter>) -> bool {
        self.grants.close_attempt(&self.end_of(attempt, after)).await.unwrap()
    }

    /// Refreshes in vain, which leaves the grant in `lifecycle`.
    pub(super) async fn grant_with_lifecycle(&self, key: &GrantKey, lifecycle: Lifecycle) -> Grant {
        let generation = self.read(key).await.generation.get();
        let attempt = self.claim(key, generation).await.attempt;
        let after = GrantAfter { lifecycle, due_at: None, ..after(Phase::Idle, false) };
        assert!(self.close(&attempt, Some(after)).await);
        self.read(key).await
    }

    /// Presents the refresh token and never learns the outcome.
    pub(super) async fn lose(&self, key: &GrantKey, generation: u64) -> Attempt {
        let attempt = self.claim(key, generation).await.attempt;
        assert!(self.send(&attempt).await);
        assert!(self.close(&attempt, Some(after(Phase::Uncertain, true))).await);
        attempt
    }
}
