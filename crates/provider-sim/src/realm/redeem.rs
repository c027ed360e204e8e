//! Code exchange (RFC 6749 section 4.1.3): one code, one family of tokens.

use super::{Granted, Mint, Realm, Refusal, Trace};
use crate::client::ClientConfig;
use crate::ledger::{Code, CodeFate, Event, Family, Ledger};
use crate::pkce;

/// A code exchange whose client has been authenticated.
pub(crate) struct Redemption<'a> {
    pub(crate) client: &'a ClientConfig,
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) verifier: Option<&'a str>,
    /// Whether the answer carries a refresh token.
    pub(crate) with_refresh: bool,
}

impl Realm {
    /// Exchanges a code for tokens.
    pub(crate) fn redeem(&self, mint: &dyn Mint, request: &Redemption<'_>) -> Result<Granted, Refusal> {
        let mut ledger = self.ledger();
        let code = ledger.tables().code(request.code).cloned().ok_or(Refusal::BadCode)?;
        check_verifier(&code, request.verifier)?;
        self.check_owner(&mut ledger, &code, request.client)?;
        if request.redirect_uri != Some(&code.redirect_uri) {
            return Err(Refusal::RedirectMismatch);
        }
        self.check_fresh(&mut ledger, &code)?;
        if self.rules.checks_client_scope && !request.client.may_have(&code.scope) {
            return Err(Refusal::ClientLacksScope);
        }
        self.start_family(&mut ledger, mint, &code, request.with_refresh)
    }

    fn check_owner(&self, ledger: &mut Ledger, code: &Code, client: &ClientConfig) -> Result<(), Refusal> {
        if code.client_id == client.client_id {
            return Ok(());
        }
        if self.rules.foreign_client_burns_code && code.fate == CodeFate::Fresh {
            ledger.commit(vec![Event::CodeBurned(code.fingerprint)])?;
        }
        Err(Refusal::BadCode)
    }

    fn check_fresh(&self, ledger: &mut Ledger, code: &Code) -> Result<(), Refusal> {
        if code.fate == CodeFate::Fresh && code.expires_at > self.now() {
            return Ok(());
        }
        if let CodeFate::Redeemed(family) = code.fate
            && self.rules.replay_revokes
        {
            ledger.commit(vec![Event::FamilyRevoked(family)])?;
        }
        Err(Refusal::BadCode)
    }

    fn start_family(
        &self,
        ledger: &mut Ledger,
        mint: &dyn Mint,
        code: &Code,
        with_refresh: bool,
    ) -> Result<Granted, Refusal> {
        let family = new_family(code, ledger.tables().next_family());
        let mut events = self.replaced_by(ledger, &family);
        events.push(Event::CodeRedeemed { code: code.fingerprint, family: family.id });
        events.push(Event::FamilyStarted(family.clone()));
        let refresh = with_refresh.then(|| self.mint_refresh(mint, ledger.tables(), &family, 0));
        let issued = refresh.as_ref().map(|(_, token)| token.serial);
        let (access, event) = self.mint_access(mint, &family, &family.scope, issued);
        let refresh_token = refresh.map(|(text, token)| {
            events.push(Event::RefreshIssued(token));
            text
        });
        events.push(event);
        ledger.commit(events)?;
        let trace = Trace { family: Some(family.id), generation: Some(0), issued };
        let (access_token, expires_at) = (access.text, access.expires_at);
        Ok(Granted { access_token, expires_at, refresh_token, scope: family.scope, trace })
    }

    fn replaced_by(&self, ledger: &Ledger, family: &Family) -> Vec<Event> {
        if !self.rules.consent_replaces {
            return Vec::new();
        }
        let older = ledger.tables().families_of(&family.user, Some(&family.client_id));
        older.map(|family| Event::FamilyRevoked(family.id)).collect()
    }
}

/// A challenge needs its verifier, and a verifier needs a challenge (RFC 9700 section 4.8.2).
fn check_verifier(code: &Code, verifier: Option<&str>) -> Result<(), Refusal> {
    let verified = match (&code.challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => pkce::verifies(verifier, challenge),
        _ => false,
    };
    if verified { Ok(()) } else { Err(Refusal::VerifierMismatch) }
}

fn new_family(code: &Code, id: u64) -> Family {
    Family {
        id,
        client_id: code.client_id.clone(),
        user: code.user.clone(),
        scope: code.scope.clone(),
        consented_at: code.consented_at,
        revoked: false,
        access: Vec::new(),
    }
}
