//! Who watches what in this process, and what each of them has yet to look at.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{GrantId, GrantKey, ProviderName, TenantId};

/// A tenant at a provider.
pub(super) type Place = (TenantId, ProviderName);

/// Everybody who watches. Telling never waits, and who is slow has no more to look at than what it watches.
#[derive(Default)]
pub(crate) struct Watchers {
    lists: Mutex<Lists>,
    came: Notify,
}

#[derive(Default)]
struct Lists {
    /// All of them; those of a grant; those of whatever a tenant has at a provider.
    all: Vec<Arc<Pile>>,
    of_grants: HashMap<GrantId, Vec<Arc<Pile>>>,
    /// Those of a grant whose token dies when it is refreshed: a refresh that begins is news to them.
    of_dying: HashMap<GrantId, Vec<Arc<Pile>>>,
    of_places: HashMap<Place, Vec<Arc<Pile>>>,
}

/// What one watcher has yet to look at.
#[derive(Default)]
struct Pile {
    told: Mutex<Told>,
    filled: Notify,
}

/// Grants of which there may be news. A hint to look, never the news itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Those that are watched.
    pub(super) grants: HashSet<GrantId>,
    /// Those of a watched place, watched before or not.
    pub(super) keys: HashSet<GrantKey>,
    /// News was lost: it may be of any.
    pub(super) everything: bool,
}

impl Watchers {
    /// Takes a seat among them.
    pub(super) fn sit(self: &Arc<Self>) -> Seat {
        let pile = Arc::<Pile>::default();
        lock(&self.lists).all.push(pile.clone());
        self.came.notify_one();
        Seat { watchers: self.clone(), pile, grants: Vec::new(), place: None }
    }

    /// Returns once anybody watches.
    pub(super) async fn anybody(&self) {
        while !self.has_any() {
            self.came.notified().await;
        }
    }

    pub(super) fn has_any(&self) -> bool {
        !lock(&self.lists).all.is_empty()
    }

    /// There may be news of a grant.
    pub(crate) fn tell(&self, grant: GrantId) {
        tell(lock(&self.lists).of_grants.get(&grant), grant);
    }

    /// Its refresh is being asked for, or has begun.
    pub(crate) fn tell_begun(&self, grant: GrantId) {
        tell(lock(&self.lists).of_dying.get(&grant), grant);
    }

    /// The same, for who watches its place too.
    pub(super) fn tell_of(&self, key: &GrantKey) {
        self.tell(key.grant_id());
        let place = (key.tenant.clone(), key.provider.clone());
        for pile in lock(&self.lists).of_places.get(&place).into_iter().flatten() {
            pile.put(|told| {
                told.keys.insert(key.clone());
            });
        }
    }

    /// There may be news of anything.
    pub(crate) fn tell_all(&self) {
        lock(&self.lists).all.iter().for_each(|pile| pile.put(|told| told.everything = true));
    }
}

fn tell(piles: Option<&Vec<Arc<Pile>>>, grant: GrantId) {
    for pile in piles.into_iter().flatten() {
        pile.put(|told| {
            told.grants.insert(grant);
        });
    }
}

impl Pile {
    fn put(&self, news: impl FnOnce(&mut Told)) {
        news(&mut lock(&self.told));
        self.filled.notify_one();
    }
}

/// One who watches. Dropped, it is on no list any more.
pub(super) struct Seat {
    watchers: Arc<Watchers>,
    pile: Arc<Pile>,
    grants: Vec<GrantId>,
    place: Option<Place>,
}

impl Seat {
    /// Watches this grant too; once each. Where a refresh kills the token, one that begins is told as well.
    pub(super) fn watch(&mut self, grant: GrantId, token_dies_on_refresh: bool) {
        let mut lists = lock(&self.watchers.lists);
        lists.of_grants.entry(grant).or_default().push(self.pile.clone());
        if token_dies_on_refresh {
            lists.of_dying.entry(grant).or_default().push(self.pile.clone());
        }
        self.grants.push(grant);
    }

    /// Watches whatever there is, and will be, at this place.
    pub(super) fn watch_place(&mut self, place: Place) {
        lock(&self.watchers.lists).of_places.entry(place.clone()).or_default().push(self.pile.clone());
        self.place = Some(place);
    }

    /// Takes what it was told since the last time.
    pub(super) fn take(&self) -> Told {
        std::mem::take(&mut lock(&self.pile.told))
    }

    /// Returns once it was told something since [`Self::take`].
    pub(super) async fn told(&self) {
        self.pile.filled.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut lists = lock(&self.watchers.lists);
        lists.all.retain(|listed| !Arc::ptr_eq(listed, &self.pile));
        for grant in &self.grants {
            leave(&mut lists.of_grants, grant, &self.pile);
            leave(&mut lists.of_dying, grant, &self.pile);
        }
        if let Some(place) = &self.place {
            leave(&mut lists.of_places, place, &self.pile);
        }
    }
}

fn leave<K: Hash + Eq>(lists: &mut HashMap<K, Vec<Arc<Pile>>>, of: &K, pile: &Arc<Pile>) {
    let Some(list) = lists.get_mut(of) else { return };
    list.retain(|listed| !Arc::ptr_eq(listed, pile));
    if list.is_empty() {
        lists.remove(of);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountLabel, UserId};

    fn key(user: &str) -> GrantKey {
        GrantKey {
            tenant: TenantId::new("acme").unwrap(),
            provider: ProviderName::new("evercam").unwrap(),
            user: UserId::new(user).unwrap(),
            account: AccountLabel::default_label(),
        }
    }

    fn place() -> Place {
        (key("ada").tenant, key("ada").provider)
    }

    #[tokio::test]
    async fn who_is_slow_looks_once_at_what_was_told_often() {
        let watchers = Arc::<Watchers>::default();
        let mut seat = watchers.sit();
        let (ada, bob) = (key("ada").grant_id(), key("bob").grant_id());
        seat.watch(ada, false);
        (0..1000).for_each(|_| watchers.tell(ada));
        watchers.tell(bob);
        seat.told().await;
        assert_eq!(seat.take(), Told { grants: [ada].into(), ..Told::default() });
        assert_eq!(seat.take(), Told::default());
    }

    #[test]
    fn a_place_is_told_of_grants_nobody_knew_of() {
        let watchers = Arc::<Watchers>::default();
        let mut seat = watchers.sit();
        seat.watch_place(place());
        watchers.tell_of(&key("new"));
        watchers.tell_of(&GrantKey { tenant: TenantId::new("globex").unwrap(), ..key("new") });
        assert_eq!(seat.take(), Told { keys: [key("new")].into(), ..Told::default() });
        watchers.tell_all();
        assert!(seat.take().everything);
    }

    #[test]
    fn a_refresh_that_begins_is_news_where_it_kills_the_token() {
        let watchers = Arc::<Watchers>::default();
        let mut seat = watchers.sit();
        let (dying, lasting) = (key("ada").grant_id(), key("bob").grant_id());
        seat.watch(dying, true);
        seat.watch(lasting, false);
        watchers.tell_begun(dying);
        watchers.tell_begun(lasting);
        assert_eq!(seat.take(), Told { grants: [dying].into(), ..Told::default() });
        watchers.tell(lasting);
        assert_eq!(seat.take().grants, [lasting].into());
    }

    #[test]
    fn who_leaves_is_on_no_list() {
        let watchers = Arc::<Watchers>::default();
        let (mut one, mut other) = (watchers.sit(), watchers.sit());
        for seat in [&mut one, &mut other] {
            seat.watch(key("ada").grant_id(), true);
            seat.watch_place(place());
        }
        drop(one);
        assert!(watchers.has_any());
        watchers.tell_of(&key("ada"));
        assert_eq!(other.take().grants.len(), 1);
        drop(other);
        let lists = lock(&watchers.lists);
        assert!(lists.all.is_empty() && lists.of_grants.is_empty());
        assert!(lists.of_dying.is_empty() && lists.of_places.is_empty());
    }
}
