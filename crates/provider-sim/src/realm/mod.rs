//! What both providers have in common: clients, a ledger, and the rules by which tokens live and die.

mod consent;
mod machine;
mod mint;
mod redeem;
mod refusal;
mod revoke;
mod rotate;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use consent::Consent;
pub(crate) use mint::{AccessOrder, Granted, Mint, Minted, Trace};
pub(crate) use redeem::Redemption;
pub(crate) use refusal::Refusal;
pub(crate) use revoke::Revocation;
pub(crate) use rotate::Refresh;

use crate::client::{ClientConfig, Clients};
use crate::clock::{Clock, Millis};
use crate::ledger::{Ledger, StateError};
use crate::policy::{GrantPolicy, ReusePolicy, RevocationReach};

/// How a provider treats its grants.
pub(crate) struct Rules {
    pub(crate) grant: GrantPolicy,
    pub(crate) reuse: ReusePolicy,
    pub(crate) reach: RevocationReach,
    /// A new consent revokes the older families of the same user and client.
    pub(crate) consent_replaces: bool,
    /// A refresh ends the access tokens that came with the refresh token.
    pub(crate) refresh_kills_access: bool,
    /// A replayed code revokes the tokens it was exchanged for (RFC 6749 section 4.1.2).
    pub(crate) replay_revokes: bool,
    /// A code shown by a client it does not belong to is invalidated.
    pub(crate) foreign_client_burns_code: bool,
    /// Tokens are refused when the client's registration no longer covers the scope of the grant.
    pub(crate) checks_client_scope: bool,
}

/// Clients, ledger, rules and clock of one provider.
pub(crate) struct Realm {
    clients: Mutex<Clients>,
    ledger: Mutex<Ledger>,
    rules: Rules,
    clock: Clock,
}

/// A valid access token.
pub(crate) struct Bearer {
    pub(crate) client_id: String,
    pub(crate) expires_at: Millis,
    pub(crate) user: String,
    pub(crate) scope: String,
    pub(crate) trace: Trace,
}

impl Realm {
    pub(crate) fn open(
        clients: Vec<ClientConfig>,
        rules: Rules,
        clock: Clock,
        state_file: Option<&Path>,
    ) -> Result<Self, StateError> {
        let ledger = Mutex::new(Ledger::open(state_file)?);
        Ok(Self { clients: Mutex::new(Clients::new(clients)), ledger, rules, clock })
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.millis()
    }

    /// The registered client of this id.
    pub(crate) fn client(&self, client_id: &str) -> Option<ClientConfig> {
        self.clients().find(client_id).cloned()
    }

    /// The confidential client of this id, when the secret is one of its secrets.
    pub(crate) fn authenticate(&self, client_id: &str, secret: &str) -> Option<ClientConfig> {
        self.clients().authenticate(client_id, secret).cloned()
    }

    pub(crate) fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a valid access token stands for; `None` when it is unknown, over or revoked.
    pub(crate) fn bearer(&self, token: &str) -> Option<Bearer> {
        let ledger = self.ledger();
        let (access, family) = ledger.tables().access_token(token)?;
        (access.expires_at > self.now()).then(|| Bearer {
            client_id: family.client_id.clone(),
            expires_at: access.expires_at,
            user: family.user.clone(),
            scope: access.scope.clone(),
            trace: Trace { family: Some(family.id), ..Trace::default() },
        })
    }

    /// Serial, family and generation of a refresh token that was ever issued.
    pub(crate) fn trace_refresh(&self, token: &str) -> Option<(u64, Trace)> {
        let ledger = self.ledger();
        let (refresh, family) = ledger.tables().refresh_token(token)?;
        let trace = Trace { family: Some(family.id), generation: Some(refresh.generation), issued: None };
        Some((refresh.serial, trace))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
