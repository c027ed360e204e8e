//! What callers and background tasks share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use futures_util::FutureExt as _;
use futures_util::future::Shared as SharedFuture;
use tokio::sync::Notify;
use tonic::Status;

use super::calls::Calls;
use super::entry::Flight;
use super::error::TokenError;
use super::options::Options;
use super::table::Table;
use super::token::Token;
use crate::v1::{GetAccessTokenRequest, GetAccessTokenResponse, GrantKey, ReportRejectedTokenRequest};

/// `string.max_bytes` of `ReportRejectedTokenRequest.detail`.
const LONGEST_DETAIL: usize = 1024;

/// What callers and background tasks share.
pub(super) struct Shared {
    pub(super) calls: Box<dyn Calls>,
    pub(super) options: Options,
    /// Another stream should be opened.
    pub(super) keys_changed: Notify,
    /// Something may be due earlier than it was.
    pub(super) due_changed: Notify,
    table: Mutex<Table>,
}

impl Shared {
    pub(super) fn new(calls: Box<dyn Calls>, options: Options) -> Self {
        let (keys_changed, due_changed) = (Notify::new(), Notify::new());
        Self { calls, options, keys_changed, due_changed, table: Mutex::default() }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.options.clock.now()
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token of a key, from memory or from the broker.
    pub(super) async fn token(self: &Arc<Self>, key: &GrantKey) -> Result<Arc<Token>, TokenError> {
        let (key, now) = (whole(key), self.now());
        {
            let mut table = self.table();
            let entry = table.used(&key, now);
            if let Some(answer) = entry.answer(now, &self.options) {
                return answer;
            }
        }
        match self.flight(&key) {
            Some(flight) => flight.await,
            None => self.clone().ask(key).await,
        }
    }

    /// Asks the broker, along with all others who ask for this key now. `None` for a key that was forgotten.
    pub(super) fn flight(self: &Arc<Self>, key: &GrantKey) -> Option<SharedFuture<Flight>> {
        let mut table = self.table();
        let entry = table.known(key)?;
        if let Some(flight) = entry.flight.as_ref().and_then(futures_util::future::WeakShared::upgrade) {
            return Some(flight);
        }
        let flight = self.clone().ask(key.clone()).boxed().shared();
        entry.flight = flight.downgrade();
        Some(flight)
    }

    /// Asks the broker; once more if the token was invalidated while its answer was under way.
    async fn ask(self: Arc<Self>, key: GrantKey) -> Result<Arc<Token>, TokenError> {
        let dead = |shared: &Self| shared.table().known(&key).map(|entry| entry.dead());
        let before = dead(&self);
        let mut answer = self.get(&key).await;
        let after = dead(&self);
        if before < after && answer.as_ref().is_ok_and(|token| Some(token.generation()) <= after) {
            answer = self.get(&key).await;
        }
        self.land(&key, answer)
    }

    async fn get(&self, key: &GrantKey) -> Result<Token, TokenError> {
        let GrantKey { tenant_id, provider, user_id, account } = key.clone();
        let message = GetAccessTokenRequest {
            tenant_id,
            provider,
            user_id,
            account,
            min_validity: self.options.min_validity.try_into().ok(),
            purpose: self.options.purpose.clone(),
            ..Default::default()
        };
        Token::read(key, self.calls.get(message).await?)
    }

    /// Lets all go who wait for a key. It ends the flight and keeps its outcome at once: who comes in between would ask again.
    fn land(&self, key: &GrantKey, answer: Result<Token, TokenError>) -> Result<Arc<Token>, TokenError> {
        let mut table = self.table();
        if let Some(entry) = table.known(key) {
            entry.flight = None;
        }
        match (answer, table.known(key)) {
            (Ok(token), _) => Ok(self.keep(&mut table, token)),
            (Err(error), Some(entry)) => entry.fail(error, self.now(), &self.options),
            (Err(error), None) => Err(error),
        }
    }

    /// Keeps a token, if its key is not forgotten, and has it watched.
    fn keep(&self, table: &mut Table, token: Token) -> Arc<Token> {
        let (key, token) = (token.key().clone(), Arc::new(token));
        let Some(entry) = table.known(&key) else { return token };
        let token = entry.adopt(token, self.now(), &self.options);
        if table.misses(&key) {
            self.keys_changed.notify_one();
        }
        self.due_changed.notify_one();
        token
    }

    pub(super) async fn report_rejected(
        &self,
        token: &Token,
        http_status: u16,
        detail: &str,
    ) -> Result<Arc<Token>, TokenError> {
        let (key, now) = (token.key(), self.now());
        let held = self.table().used(key, now).living(now);
        if let Some(newer) = held.filter(|held| held.replaces(token)) {
            return Ok(newer);
        }
        let report = ReportRejectedTokenRequest {
            key: Some(key.clone()),
            generation: token.generation(),
            http_status: http_status.into(),
            detail: detail[..detail.floor_char_boundary(LONGEST_DETAIL)].to_owned(),
        };
        let answer = self.calls.report(report).await.map_err(|status| self.not_reported(key, status))?;
        let token = Token::read(key, answer.token.ok_or(NO_TOKEN)?)?;
        Ok(self.keep(&mut self.table(), token))
    }

    /// A refusal ends what is held, as that of a token that is asked for.
    fn not_reported(&self, key: &GrantKey, status: Status) -> TokenError {
        let error = TokenError::from(status);
        if error.is_refusal()
            && let Some(entry) = self.table().known(key)
        {
            entry.refuse();
        }
        error
    }

    /// Keeps a token that the stream told.
    pub(super) fn told(&self, key: &GrantKey, told: GetAccessTokenResponse) {
        // One that cannot be used is not kept; asking for it says why.
        let Ok(token) = Token::read(key, told) else { return };
        let mut table = self.table();
        if let Some(entry) = table.known(key) {
            entry.revive(token.generation());
            self.keep(&mut table, token);
        }
    }
}

const NO_TOKEN: TokenError = TokenError::Unusable("it has no token");

/// The key with its account filled in, as the broker fills it in.
pub(super) fn whole(key: &GrantKey) -> GrantKey {
    let mut key = key.clone();
    if key.account.is_empty() {
        "default".clone_into(&mut key.account);
    }
    key
}
