//! Access tokens without a user's consent: of the client itself, and of an account that a user may act in.

use super::{Bearer, Granted, Mint, Realm, Refusal, Trace};
use crate::client::ClientConfig;
use crate::ledger::{Event, Family};

impl Realm {
    /// A token of the client itself (RFC 6749 section 4.4): a family of its own, without a refresh token.
    pub(crate) fn issue_to_client(
        &self,
        mint: &dyn Mint,
        client: &ClientConfig,
        scope: &str,
    ) -> Result<Granted, Refusal> {
        if !client.may_have(scope) {
            return Err(Refusal::ClientLacksScope);
        }
        self.issue_alone(mint, &client.client_id, &client.client_id, scope)
    }

    /// A token of another account for who showed a token. It lives on when that one ends.
    pub(crate) fn derive(&self, mint: &dyn Mint, bearer: &Bearer, scope: &str) -> Result<Granted, Refusal> {
        self.issue_alone(mint, &bearer.client_id, &bearer.user, scope)
    }

    fn issue_alone(
        &self,
        mint: &dyn Mint,
        client_id: &str,
        user: &str,
        scope: &str,
    ) -> Result<Granted, Refusal> {
        let mut ledger = self.ledger();
        let family = Family {
            id: ledger.tables().next_family(),
            client_id: client_id.to_owned(),
            user: user.to_owned(),
            scope: scope.to_owned(),
            consented_at: self.now(),
            revoked: false,
            access: Vec::new(),
        };
        let (access, event) = self.mint_access(mint, &family, scope, None);
        let trace = Trace { family: Some(family.id), generation: Some(0), issued: None };
        ledger.commit(vec![Event::FamilyStarted(family), event])?;
        let (access_token, expires_at) = (access.text, access.expires_at);
        Ok(Granted { access_token, expires_at, refresh_token: None, scope: scope.to_owned(), trace })
    }
}
