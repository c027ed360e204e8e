//! One mint: taken from the store, made, and put back.

use std::sync::Arc;
use std::time::Duration;

use broker_crypto::KeyPurpose;
use tracing::{Instrument as _, Span, debug_span};

use super::after::{next_mint, next_try};
use crate::error::chain;
use crate::ports::{MintClaim, MintEnd, MintOutcome, SPANS};
use crate::rotation::{Flight, Rotated, RotationError};
use crate::schedule::pace;
use crate::{
    Actor, AuditAction, AuditRecord, Broker, BrokerError, FailureKind, Gate, Generation, GrantKey,
    LastFailure, LineageId, MachineCredential, MintMark, MintSource, MintedToken, Minting, ProviderFailure,
    Timestamp, TokenResponse,
};

/// How often it is looked whether another replica has minted.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Tokens, fresh from the provider.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) tokens: TokenResponse,
    /// Of the grant they are derived from.
    pub(super) lineage: Option<LineageId>,
}

fn mint_span(key: &GrantKey) -> Span {
    debug_span!(
        target: SPANS, parent: None, "mint", tokenbroker.tenant = %key.tenant, tokenbroker.provider = %key.provider,
        tokenbroker.grant.id = %key.grant_id(),
    )
}

impl Broker {
    /// Joins the mint that is under way, or begins it. It runs to its end whoever hangs up.
    pub(crate) fn start_mint(self: &Arc<Self>, key: &GrantKey, mark: MintMark) -> Flight {
        let (broker, of) = (Arc::clone(self), key.clone());
        self.mints.join_or_start(
            key.grant_id(),
            || mint_span(key),
            |landing, span| {
                let minting = async move {
                    let minted = broker.mint(&of, mark).await.unwrap_or_else(|error| {
                        tracing::error!(credential = %of.grant_id(), error = chain(&error), "a mint failed");
                        Rotated::Failed(error.into())
                    });
                    landing.land(minted);
                };
                self.tasks.spawn(minting.instrument(span));
            },
        )
    }

    async fn mint(self: &Arc<Self>, key: &GrantKey, mark: MintMark) -> Result<Rotated, BrokerError> {
        if let Some(barred) = self.fleet.barred() {
            return Ok(Rotated::Failed(RotationError::Backend(Arc::new(barred))));
        }
        let began = self.clock.now();
        if let Some(until) = self.pauses.until(key, began) {
            return Ok(Rotated::RefreshPaused(until));
        }
        let seen = self.machine_credentials.machine_credential(key).await?;
        let minting =
            seen.as_ref().filter(|seen| seen.mint_mark() == Some(mark)).and_then(|seen| seen.minting());
        let Some(minting) = minting else { return Ok(Rotated::Unchanged) };
        let MintSource::ClientCredentials { registration } = &minting.source else {
            // The gate is passed by registration, and that of the grant is not known yet.
            return match self.gates.gate(&key.provider, began) {
                Gate::Open => self.mint_admitted(key, mark, began).await,
                Gate::ClosedUntil(until) => Ok(Rotated::ProviderRests(until)),
            };
        };
        if let Gate::ClosedUntil(until) = self.gates.admit(key, registration, began) {
            return Ok(Rotated::ProviderRests(until));
        }
        let minted = self.mint_admitted(key, mark, began).await;
        self.gates.ended(&key.provider, self.clock.now());
        minted
    }

    /// Mints, or waits for the replica that does.
    async fn mint_admitted(
        self: &Arc<Self>,
        key: &GrantKey,
        mark: MintMark,
        began: Timestamp,
    ) -> Result<Rotated, BrokerError> {
        while self.clock.now().since(began) < self.timing.default_wait {
            let at = self.clock.now();
            let claim = MintClaim { key: key.clone(), mark, at, hold_until: at + self.timing.lease_ttl };
            if let Some(claimed) = self.machine_credentials.claim_mint(&claim).await? {
                return self.mint_claimed(claim, &claimed).await;
            }
            let seen = self.machine_credentials.machine_credential(key).await?;
            if seen.and_then(|seen| seen.mint_mark()) != Some(mark) {
                return Ok(Rotated::Unchanged);
            }
            self.clock.sleep_until(at + LOOK_AGAIN).await;
        }
        Ok(Rotated::StillRunning)
    }

    async fn mint_claimed(
        self: &Arc<Self>,
        claim: MintClaim,
        claimed: &MachineCredential,
    ) -> Result<Rotated, BrokerError> {
        let Some(minting) = claimed.minting() else { return Ok(Rotated::Unchanged) };
        let made = match self.ask(&claim.key, minting).await {
            Ok(Ok(fresh)) => self.kept(&claim, minting, fresh).await,
            Ok(Err(failure)) => Ok(self.failed(&claim, minting, &failure)),
            Err(error) => Err(error),
        };
        // The claim is given back whatever happened.
        let (end, failed) = match made {
            Ok(end) => (end, None),
            Err(error) => {
                let failure = ProviderFailure::of(FailureKind::Internal);
                (self.failed(&claim, minting, &failure), Some(error))
            }
        };
        let kept = self.machine_credentials.end_mint(&end).await?;
        self.tell(&end, kept);
        match (failed, &end.outcome) {
            (Some(error), _) => Err(error),
            (None, MintOutcome::Minted { .. }) if kept => Ok(Rotated::Adopted),
            (None, MintOutcome::Minted { .. }) => Ok(Rotated::Unchanged),
            (None, MintOutcome::Failed(_)) => Ok(Rotated::Refused),
        }
    }

    /// All that is asked for one mint takes no longer than one attempt may, so that its claim outlasts it.
    async fn ask(
        self: &Arc<Self>,
        key: &GrantKey,
        minting: &Minting,
    ) -> Result<Result<Fresh, ProviderFailure>, BrokerError> {
        let asking = async {
            match &minting.source {
                MintSource::ClientCredentials { registration } => {
                    self.ask_as_client(key, registration, &minting.scopes).await
                }
                MintSource::Derived { target, .. } => self.derive(key, minting, target).await,
            }
        };
        let silence = || Ok(Err(ProviderFailure::of(FailureKind::Uncertain)));
        self.within(Some(self.timing.attempt_budget), asking).await.unwrap_or_else(silence)
    }

    async fn kept(&self, claim: &MintClaim, minting: &Minting, fresh: Fresh) -> Result<MintEnd, BrokerError> {
        let (key, Fresh { tokens, lineage }) = (&claim.key, fresh);
        let profile = self.provider(&key.provider)?.profile();
        let keys = self.keys.of(&key.tenant).await?;
        let right = self.keys.right_to_new(&key.tenant, &keys, KeyPurpose::Access).await?;
        let generation = minting.generation.next();
        let owner = MintedToken::owner(key.grant_id());
        let place = MintedToken::place(key, &owner, generation);
        // Counted from before the request left, so that its travel time is never credited to the token.
        let life = tokens.expires_in.filter(|life| !life.is_zero());
        let expires_at = claim.at + life.unwrap_or(profile.access_token_lifetime);
        let token = MintedToken {
            access_token: right.seal(&tokens.access_token, place, self.entropy.as_ref())?,
            token_type: tokens.token_type,
            scopes: tokens.scopes.unwrap_or_else(|| minting.scopes.clone()),
            api_base_url: tokens.api_base_url,
            issued_at: claim.at,
            expires_at,
            lineage,
        };
        let draw = pace(key.grant_id(), generation);
        let mint_at = next_mint(profile, claim.at, expires_at, draw, self.timing.attempt_budget);
        // However short a provider makes them live, it is not asked without a rest.
        let mint_at = mint_at.max(self.clock.now() + self.timing.retry_base);
        let record = mint_record(key, generation, self.clock.now());
        let outcome = MintOutcome::Minted { token: Box::new(token), record: Box::new(record) };
        Ok(MintEnd { claim: claim.clone(), outcome, mint_at })
    }

    fn failed(&self, claim: &MintClaim, minting: &Minting, failure: &ProviderFailure) -> MintEnd {
        let now = self.clock.now();
        let failures = minting.failures().saturating_add(1);
        let last = LastFailure {
            kind: failure.kind,
            at: now,
            oauth_error: failure.oauth_error.clone(),
            http_status: failure.http_status,
            in_a_row: failures,
            since: minting.last_failure.as_ref().map_or(now, |first| first.since),
        };
        let mint_at = now + next_try(failure, failures, &self.timing, self.draw());
        MintEnd { claim: claim.clone(), outcome: MintOutcome::Failed(last), mint_at }
    }

    fn tell(&self, end: &MintEnd, kept: bool) {
        let (key, mark) = (&end.claim.key, end.claim.mark);
        let (credential, tenant, provider) = (key.grant_id(), &key.tenant, &key.provider);
        let outcome = match &end.outcome {
            MintOutcome::Minted { .. } if kept => "minted",
            MintOutcome::Minted { .. } => "superseded",
            MintOutcome::Failed(failure) => failure.kind.as_str(),
        };
        self.measures.mints.count((provider.clone(), outcome));
        match &end.outcome {
            MintOutcome::Minted { .. } => {
                let generation = mark.generation.next().get();
                tracing::info!(%credential, %tenant, %provider, generation, kept, "a token was minted");
            }
            MintOutcome::Failed(failure) => tracing::warn!(
                %credential, %tenant, %provider, failure = failure.kind.as_str(), in_a_row = failure.in_a_row,
                oauth_error = failure.oauth_error, http_status = failure.http_status, "no token could be minted"
            ),
        }
    }
}

fn mint_record(key: &GrantKey, generation: Generation, at: Timestamp) -> AuditRecord {
    let record = Actor::broker(AuditAction::MINT).did(Some(&key.tenant), at).about(key);
    AuditRecord { generation: Some(generation), ..record.resource(MachineCredential::RESOURCE) }
}
