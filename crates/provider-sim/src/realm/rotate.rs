//! Refresh (RFC 6749 section 6): rotation, reuse, grace, and the tokens that never rotate.

use super::{Granted, Mint, Realm, Refusal, Trace};
use crate::client::ClientConfig;
use crate::ledger::{Event, Family, Ledger, RefreshToken};
use crate::params;

/// A refresh whose client has been authenticated.
pub(crate) struct Refresh<'a> {
    pub(crate) client: &'a ClientConfig,
    pub(crate) token: &'a str,
    pub(crate) scope: Option<&'a str>,
}

impl Realm {
    /// Answers a refresh token with new tokens, or with the current ones where nothing rotates.
    pub(crate) fn refresh(&self, mint: &dyn Mint, request: &Refresh<'_>) -> Result<Granted, Refusal> {
        let mut ledger = self.ledger();
        let found = ledger.tables().refresh_token(request.token).ok_or(Refusal::DeadToken)?;
        let (token, family) = (found.0.clone(), found.1.clone());
        self.check_alive(&mut ledger, &token, &family, request.client)?;
        let scope = narrowed(&family, request.scope)?;
        if self.rules.checks_client_scope && !request.client.may_have(scope) {
            return Err(Refusal::ClientLacksScope);
        }
        if self.rules.grant.rotates() {
            self.rotate(&mut ledger, mint, &token, &family, scope)
        } else {
            self.repeat(&mut ledger, mint, &token, &family, scope, request.token)
        }
    }

    fn check_alive(
        &self,
        ledger: &mut Ledger,
        token: &RefreshToken,
        family: &Family,
        client: &ClientConfig,
    ) -> Result<(), Refusal> {
        let now = self.now();
        let over = token.expires_at.is_some_and(|end| end <= now);
        if family.client_id != client.client_id || family.revoked || over {
            return Err(Refusal::DeadToken);
        }
        let Some(first_used_at) = token.first_used_at else { return Ok(()) };
        if self.rules.reuse.in_grace(first_used_at, now) {
            return Ok(());
        }
        if self.rules.reuse.revokes_family() {
            ledger.commit(vec![Event::FamilyRevoked(family.id)])?;
        }
        Err(Refusal::DeadToken)
    }

    fn rotate(
        &self,
        ledger: &mut Ledger,
        mint: &dyn Mint,
        old: &RefreshToken,
        family: &Family,
        scope: &str,
    ) -> Result<Granted, Refusal> {
        let (refresh_token, new) = self.mint_refresh(mint, ledger.tables(), family, old.generation + 1);
        let issued = Some(new.serial);
        let (access, event) = self.mint_access(mint, family, scope, issued);
        let kills_access = self.rules.refresh_kills_access;
        let used = Event::RefreshUsed { token: old.fingerprint, at: self.now(), kills_access };
        ledger.commit(vec![used, Event::RefreshIssued(new), event])?;
        Ok(Granted {
            access_token: access.text,
            expires_at: access.expires_at,
            refresh_token: Some(refresh_token),
            scope: scope.to_owned(),
            trace: Trace { family: Some(family.id), generation: Some(old.generation), issued },
        })
    }

    fn repeat(
        &self,
        ledger: &mut Ledger,
        mint: &dyn Mint,
        token: &RefreshToken,
        family: &Family,
        scope: &str,
        text: &str,
    ) -> Result<Granted, Refusal> {
        let current = ledger.tables().current_access(token, scope, self.now());
        let current = current.and_then(|access| Some((access.text.clone()?, access.expires_at)));
        let (access_token, expires_at) = match current {
            Some(current) => current,
            None => {
                let (access, event) = self.mint_access(mint, family, scope, Some(token.serial));
                ledger.commit(vec![event])?;
                (access.text, access.expires_at)
            }
        };
        let trace =
            Trace { family: Some(family.id), generation: Some(token.generation), issued: Some(token.serial) };
        let refresh_token = Some(text.to_owned());
        Ok(Granted { access_token, expires_at, refresh_token, scope: scope.to_owned(), trace })
    }
}

/// The scope asked for, which must not exceed the scope of the grant.
fn narrowed<'a>(family: &'a Family, wanted: Option<&'a str>) -> Result<&'a str, Refusal> {
    let scope = wanted.unwrap_or(&family.scope);
    if params::within(scope, &family.scope) { Ok(scope) } else { Err(Refusal::WiderScope) }
}
