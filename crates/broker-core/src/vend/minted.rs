//! Vending a minted token: the one held while it is fresh, else a new one.

use std::time::Duration;

use broker_crypto::AccessToken;

use super::freshness::{expected_at, missing_scopes, refusal};
use super::minted_refusal::{stale, why_none};
use super::{HeldGrant, StaleReason, VendRequest, Vendor};
use crate::rotation::Rotated;
use crate::{
    BrokerError, FailureKind, Generation, GrantKey, Lifecycle, MachineCredential, MintedToken, Minting,
    Timestamp,
};

/// A minted access token with what its user should know.
#[derive(Debug)]
pub struct VendedMinted {
    /// Where its credential stands.
    pub key: GrantKey,
    /// Its number.
    pub generation: Generation,
    /// Its facts.
    pub token: MintedToken,
    /// The token itself.
    pub access_token: AccessToken,
    /// When to ask again.
    pub refresh_hint_at: Timestamp,
    /// Why it is not as fresh as it should be, if it is not.
    pub stale: Option<StaleReason>,
}

/// A machine credential, and the grant it derives from, which is alive.
pub(super) struct Standing {
    credential: MachineCredential,
    parent: Option<HeldGrant>,
}

impl Vendor {
    pub(super) async fn vend_minted(
        &self,
        request: &VendRequest,
        credential: MachineCredential,
    ) -> Result<VendedMinted, BrokerError> {
        let began = self.clock.now();
        let held = self.standing(credential, began).await?;
        let minting = held.minting()?;
        if let Some(token) = held.usable(minting, began) {
            check_scopes(request, token)?;
            if is_fresh(token, request.min_validity, began) {
                if minting.mint_at <= began {
                    // Nobody waits for it.
                    drop(self.mint(&held.credential));
                }
                return self.open_minted(&held, minting, token, None).await;
            }
        }
        let minted = match held.rests(minting, began) {
            true => Rotated::Refused,
            false => self.minted_within(request.wait, &held.credential).await,
        };
        self.vend_after_mint(request, minting.generation, minted).await
    }

    async fn minted_within(&self, wait: Option<Duration>, credential: &MachineCredential) -> Rotated {
        let Some(mut flight) = self.mint(credential) else { return Rotated::Unchanged };
        self.within(wait, flight.landed()).await.unwrap_or(Rotated::StillRunning)
    }

    fn mint(&self, credential: &MachineCredential) -> Option<crate::rotation::Flight> {
        credential.mint_mark().map(|mark| self.minter.mint(&credential.key, mark))
    }

    /// Whatever came of the mint, the credential says what there is to serve now.
    async fn vend_after_mint(
        &self,
        request: &VendRequest,
        before: Generation,
        minted: Rotated,
    ) -> Result<VendedMinted, BrokerError> {
        let credential = self.machine_credentials.machine_credential(&request.key).await?;
        let credential = credential.ok_or(BrokerError::GrantNotFound)?;
        let now = self.clock.now();
        let held = self.standing(credential, now).await?;
        let minting = held.minting()?;
        let Some(token) = held.usable(minting, now) else {
            let registration = held.parent.as_ref().map(|parent| &parent.grant.registration);
            return Err(why_none(minting, registration, minted, now, &self.timing));
        };
        check_scopes(request, token)?;
        let stale = (minting.generation <= before).then(|| stale(minting, &minted));
        self.open_minted(&held, minting, token, stale).await
    }

    /// Fails as the grant would that a derived token comes from: without it, it is served no more.
    async fn standing(&self, credential: MachineCredential, now: Timestamp) -> Result<Standing, BrokerError> {
        let parent = credential.minting().and_then(|minting| minting.parent(&credential.key));
        let parent = match parent {
            Some(parent) => Some(self.vendable(&parent).await?.not_blind()?),
            None => None,
        };
        match &parent {
            Some(parent) if parent.grant.lifecycle != Lifecycle::Active => {
                Err(refusal(&parent.grant, now, self.timing.retry_base))
            }
            _ => Ok(Standing { credential, parent }),
        }
    }

    async fn open_minted(
        &self,
        held: &Standing,
        minting: &Minting,
        token: &MintedToken,
        stale: Option<StaleReason>,
    ) -> Result<VendedMinted, BrokerError> {
        let (key, now) = (&held.credential.key, self.clock.now());
        let keys = self.keys.opening(&key.tenant, token.access_token.key_id()).await?;
        let owner = MintedToken::owner(key.grant_id());
        let access_token =
            keys.open(&token.access_token, MintedToken::place(key, &owner, minting.generation))?;
        let refresh_hint_at =
            expected_at(Some(minting.mint_at), token.expires_at, now, self.timing.retry_base);
        let (key, token, generation) = (key.clone(), token.clone(), minting.generation);
        Ok(VendedMinted { key, generation, token, access_token, refresh_hint_at, stale })
    }
}

impl Standing {
    /// It was an API key's place at the same moment: as good as gone.
    fn minting(&self) -> Result<&Minting, BrokerError> {
        self.credential.minting().ok_or(BrokerError::GrantNotFound)
    }

    /// The token held, while it lives. Of another consent than the present one it may be of another account.
    fn usable<'a>(&self, minting: &'a Minting, now: Timestamp) -> Option<&'a MintedToken> {
        let lineage = self.parent.as_ref().map(|parent| parent.grant.lineage);
        minting.token.as_ref().filter(|token| token.expires_at > now && token.lineage == lineage)
    }

    /// Whether minting failed of late. That the grant was dead is over, as it is not.
    fn rests(&self, minting: &Minting, now: Timestamp) -> bool {
        let of_parent = |kind| kind == FailureKind::DeadToken && self.parent.is_some();
        let failure = minting.last_failure.as_ref().map(|failure| failure.kind);
        minting.rests_until(now).is_some() && !failure.is_some_and(of_parent)
    }
}

fn check_scopes(request: &VendRequest, token: &MintedToken) -> Result<(), BrokerError> {
    request.permit.extends_to_scopes(&request.key, &token.scopes)?;
    let missing = missing_scopes(&token.scopes, &request.required_scopes);
    if missing.is_empty() { Ok(()) } else { Err(BrokerError::MissingScopes(missing)) }
}

/// Whether the token lives `min_validity` longer, or half its own life where that is less.
fn is_fresh(token: &MintedToken, min_validity: Duration, now: Timestamp) -> bool {
    let needed = min_validity.min(token.expires_at.since(token.issued_at) / 2);
    token.expires_at.since(now) >= needed
}
