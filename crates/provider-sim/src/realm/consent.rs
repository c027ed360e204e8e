//! A user agrees: a code is issued.

use std::time::Duration;

use super::Realm;
use crate::clock::as_millis;
use crate::ledger::{Code, CodeFate, Event, Fingerprint};
use crate::random;

/// What the user agreed to.
pub(crate) struct Consent<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) user: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) challenge: Option<&'a str>,
}

impl Realm {
    /// Issues an authorization code that lives for `ttl` (RFC 6749 section 4.1.2).
    pub(crate) fn issue_code(&self, consent: &Consent<'_>, ttl: Duration) -> std::io::Result<String> {
        let code = random::text::<96>();
        let now = self.now();
        let issued = Code {
            fingerprint: Fingerprint::of(&code),
            client_id: consent.client_id.to_owned(),
            redirect_uri: consent.redirect_uri.to_owned(),
            user: consent.user.to_owned(),
            scope: consent.scope.to_owned(),
            challenge: consent.challenge.map(str::to_owned),
            consented_at: now,
            expires_at: now.saturating_add(as_millis(ttl)),
            fate: CodeFate::Fresh,
        };
        self.ledger().commit(vec![Event::CodeIssued(issued)])?;
        Ok(code)
    }
}
