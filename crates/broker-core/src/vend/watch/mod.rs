//! Watching: a caller is told of each new token of its grants, as it is adopted.

mod looking;
mod missed;
mod told;
mod watchers;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use self::looking::{Seen, look_again_at};
pub use self::told::InvalidationCause;
use self::told::{Now, Tell, Told};
pub(crate) use self::watchers::Watchers;
use self::watchers::{Place, Seat};
use super::{Vended, Vendor};
use crate::ports::{GrantFilter, VendableGrant};
use crate::{
    BrokerError, Generation, Grant, GrantId, GrantKey, Lifecycle, Permit, ProviderName, TenantId, Timestamp,
};

/// Grants of a tenant that are listed at a time.
const PAGE: u32 = 100;

/// Asks whether the watcher may have a grant's token, at each look anew. Fails as [`crate::Access::admit`] does.
pub type Admit = Box<dyn Fn(&GrantKey) -> Result<Permit, BrokerError> + Send + Sync>;

/// Which grants to watch.
#[derive(Debug, Clone)]
pub enum Watched {
    /// These.
    Keys(Vec<GrantKey>),
    /// Whatever the tenant has at the provider, now and later.
    Tenant(TenantId, ProviderName),
}

/// Asks to be told of tokens.
pub struct WatchRequest {
    /// Of which grants.
    pub watched: Watched,
    /// The newest generations that the watcher holds.
    pub known: Vec<(GrantKey, Generation)>,
    /// Leave to look.
    pub admit: Admit,
}

/// What is new of a grant.
#[derive(Debug)]
pub enum WatchUpdate {
    /// The token to use from now on.
    Token(Box<Vended>),
    /// This generation and all before it must no longer be used.
    Invalidation(GrantKey, Generation, InvalidationCause),
    /// How it stands, without a token.
    State(Box<Grant>),
}

/// One watcher's end. It remembers what it has told, and asks for no more than what it watches.
pub struct TokenWatch {
    vendor: Arc<Vendor>,
    seat: Seat,
    admit: Admit,
    known: HashMap<GrantKey, Generation>,
    grants: HashMap<GrantId, Entry>,
    /// Where to go on listing.
    listing: Option<(Place, Option<GrantKey>)>,
    place: Option<Place>,
    to_look: VecDeque<GrantId>,
    alarms: BTreeSet<(Timestamp, GrantId)>,
    updates: VecDeque<WatchUpdate>,
}

struct Entry {
    key: GrantKey,
    told: Told,
    look_at: Option<Timestamp>,
    queued: bool,
    /// What was seen while its token is held back, or the grant is about to be given up: the next look is at the store.
    seen: Option<Arc<VendableGrant>>,
}

impl Vendor {
    /// Begins to watch. Fails with `AccessDenied`, with `GrantNotFound` for a key without a grant, and where a provider is
    /// not configured.
    pub async fn watch(self: &Arc<Self>, request: WatchRequest) -> Result<TokenWatch, BrokerError> {
        let mut watch = TokenWatch {
            vendor: self.clone(),
            seat: self.news.watchers.sit(),
            admit: request.admit,
            known: request.known.into_iter().collect(),
            grants: HashMap::new(),
            listing: None,
            place: None,
            to_look: VecDeque::new(),
            alarms: BTreeSet::new(),
            updates: VecDeque::new(),
        };
        match request.watched {
            Watched::Keys(keys) => {
                for key in keys {
                    self.profile(&key.provider)?;
                    watch.add(key);
                }
                watch.look_at_all(true).await?;
            }
            Watched::Tenant(tenant, provider) => {
                self.profile(&provider)?;
                watch.seat.watch_place((tenant.clone(), provider.clone()));
                watch.place = Some((tenant, provider));
                watch.list_again();
            }
        }
        Ok(watch)
    }
}

impl TokenWatch {
    /// The next thing to tell; waits for it. Fails once the watcher may no longer watch, which ends the watch. Who stops
    /// waiting loses nothing.
    pub async fn next(&mut self) -> Result<WatchUpdate, BrokerError> {
        loop {
            if let Some(update) = self.updates.pop_front() {
                return Ok(update);
            }
            self.hear();
            match self.to_look.front().copied() {
                Some(grant) => self.look_at(grant, false).await?,
                None if self.listing.is_some() => self.list_on().await,
                None => self.news_or_alarm().await,
            }
        }
    }

    /// Looks at everything there is at first, so that what is wrong with a key is the answer to the call.
    async fn look_at_all(&mut self, must_exist: bool) -> Result<(), BrokerError> {
        while let Some(grant) = self.to_look.front().copied() {
            self.look_at(grant, must_exist).await?;
        }
        Ok(())
    }

    fn add(&mut self, key: GrantKey) {
        let id = key.grant_id();
        if !self.grants.contains_key(&id) {
            // Both ways to watch have looked the provider up.
            let profile = self.vendor.profile(&key.provider);
            self.seat.watch(id, profile.is_ok_and(|profile| profile.old_access_token_dies_on_refresh));
            let told = Told::knowing(self.known.remove(&key));
            self.grants.insert(id, Entry { key, told, look_at: None, queued: false, seen: None });
        }
        self.queue(id);
    }

    fn queue(&mut self, grant: GrantId) {
        if let Some(entry) = self.grants.get_mut(&grant)
            && !std::mem::replace(&mut entry.queued, true)
        {
            self.to_look.push_back(grant);
        }
    }

    fn list_again(&mut self) {
        self.listing = self.place.clone().map(|place| (place, None));
    }

    /// Takes in what the seat was told, and what it is time for.
    fn hear(&mut self) {
        let told = self.seat.take();
        if told.everything {
            self.list_again();
            let all: Vec<_> = self.grants.keys().copied().collect();
            all.into_iter().for_each(|grant| self.queue(grant));
        }
        told.grants.into_iter().for_each(|grant| self.queue(grant));
        told.keys.into_iter().for_each(|key| self.add(key));
        let now = self.vendor.clock.now();
        while let Some((at, grant)) = self.alarms.first().copied().filter(|(at, _)| *at <= now) {
            self.alarms.remove(&(at, grant));
            self.queue(grant);
        }
    }

    async fn news_or_alarm(&self) {
        let alarm = async {
            match self.alarms.first() {
                Some((at, _)) => self.vendor.clock.sleep_until(*at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.seat.told() => {}
            () = alarm => {}
        }
    }

    async fn list_on(&mut self) {
        let Some(((tenant, provider), after)) = self.listing.clone() else { return };
        let filter = GrantFilter {
            tenant: tenant.clone(),
            provider: Some(provider.clone()),
            user: None,
            registration: None,
            lifecycles: Vec::new(),
            after,
            limit: PAGE,
        };
        match self.vendor.grants.list_grants(&filter).await {
            Ok(grants) => {
                let last = grants.last().map(|grant| grant.key.clone());
                let full = grants.len() == PAGE as usize;
                self.listing = full.then_some(((tenant, provider), last));
                grants.into_iter().for_each(|grant| self.add(grant.key));
            }
            Err(error) => {
                tracing::warn!(%error, "the grants of a watched tenant could not be listed; trying again");
                self.vendor.clock.sleep_until(self.vendor.clock.now() + looking::WITHOUT).await;
            }
        }
    }

    async fn look_at(&mut self, id: GrantId, must_exist: bool) -> Result<(), BrokerError> {
        let Some(entry) = self.grants.get_mut(&id) else { return Ok(()) };
        if let Some(seen) = entry.seen.take() {
            self.vendor.cache.doubt(&seen);
        }
        let permit = (self.admit)(&entry.key);
        let seen = self.vendor.look(&entry.key, permit).await?;
        self.to_look.pop_front();
        entry.queued = false;
        let next = match seen {
            Seen::Grant(held, vended) => {
                let now = self.vendor.clock.now();
                let (next, updates) = entry.take_in(held, vended, now);
                self.updates.extend(updates);
                next
            }
            Seen::Nothing if must_exist => return Err(BrokerError::GrantNotFound),
            Seen::Nothing => return self.lose(id),
            Seen::NotBefore(time) => time,
        };
        self.set_alarm(id, next);
        Ok(())
    }

    fn set_alarm(&mut self, id: GrantId, at: Timestamp) {
        let Some(entry) = self.grants.get_mut(&id) else { return };
        if let Some(before) = entry.look_at.replace(at) {
            self.alarms.remove(&(before, id));
        }
        self.alarms.insert((at, id));
    }

    /// The grant is gone. One of several is passed over; one that was asked for by its key is the caller's to know of.
    fn lose(&mut self, id: GrantId) -> Result<(), BrokerError> {
        match self.place {
            Some(_) => Ok(()),
            None => {
                tracing::debug!(grant = %id, "a watched grant is gone");
                Err(BrokerError::GrantNotFound)
            }
        }
    }
}

impl Entry {
    /// When to look again, and what to tell.
    fn take_in(
        &mut self,
        held: Arc<VendableGrant>,
        vended: Option<Box<Vended>>,
        at: Timestamp,
    ) -> (Timestamp, Vec<WatchUpdate>) {
        let grant = &held.grant;
        let token = vended.as_ref().map(|vended| vended.stale);
        let tells = self.told.tell(&Now { grant, token, at });
        let holds_back = self.told.holds_back(at);
        let next = look_again_at(grant, token.is_some(), holds_back, at);
        // The end of a grant without a refresh token is no attempt's, so no news is sure to come of it.
        let ends = token.is_none() && grant.lifecycle == Lifecycle::Active && !grant.refreshable;
        self.seen = (holds_back || ends).then(|| held.clone());
        let mut vended = vended;
        let updates = tells.into_iter().filter_map(|tell| match tell {
            Tell::Token => vended.take().map(WatchUpdate::Token),
            Tell::Invalidation(generation, cause) => {
                Some(WatchUpdate::Invalidation(grant.key.clone(), generation, cause))
            }
            Tell::State => Some(WatchUpdate::State(Box::new(grant.clone()))),
        });
        (next, updates.collect())
    }
}
