//! New tokens: the provider makes the text, the realm makes the records.

use super::Realm;
use crate::clock::Millis;
use crate::ledger::{AccessToken, Event, Family, Fingerprint, RefreshToken, Tables};

/// What an access token is made for.
pub(crate) struct AccessOrder<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) user: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) now: Millis,
}

/// A new access token and its end.
pub(crate) struct Minted {
    pub(crate) text: String,
    pub(crate) expires_at: Millis,
}

/// Makes the texts of tokens in the form of one provider.
pub(crate) trait Mint {
    fn access(&self, order: &AccessOrder<'_>) -> Minted;
    fn refresh(&self) -> String;
}

/// Where a request stands in the history of its grant, for the journal.
#[derive(Clone, Copy, Default)]
pub(crate) struct Trace {
    pub(crate) family: Option<u64>,
    pub(crate) generation: Option<u64>,
    /// Serial of the refresh token that the answer carries.
    pub(crate) issued: Option<u64>,
}

/// The answer to a granted token request.
pub(crate) struct Granted {
    pub(crate) access_token: String,
    pub(crate) expires_at: Millis,
    pub(crate) refresh_token: Option<String>,
    pub(crate) scope: String,
    pub(crate) trace: Trace,
}

impl Realm {
    pub(super) fn mint_access(
        &self,
        mint: &dyn Mint,
        family: &Family,
        scope: &str,
        refresh: Option<u64>,
    ) -> (Minted, Event) {
        let now = self.now();
        let (client_id, user) = (family.client_id.as_str(), family.user.as_str());
        let minted = mint.access(&AccessOrder { client_id, user, scope, now });
        let token = AccessToken {
            fingerprint: Fingerprint::of(&minted.text),
            family: family.id,
            refresh,
            scope: scope.to_owned(),
            expires_at: minted.expires_at,
            text: (!self.rules.grant.rotates()).then(|| minted.text.clone()),
        };
        (minted, Event::AccessIssued { token, at: now })
    }

    pub(super) fn mint_refresh(
        &self,
        mint: &dyn Mint,
        tables: &Tables,
        family: &Family,
        generation: u64,
    ) -> (String, RefreshToken) {
        let text = mint.refresh();
        let token = RefreshToken {
            fingerprint: Fingerprint::of(&text),
            serial: tables.next_serial(),
            family: family.id,
            generation,
            expires_at: self.rules.grant.refresh_expires_at(family.consented_at, self.now()),
            first_used_at: None,
        };
        (text, token)
    }
}
