use std::cell::Cell;

use tokio::sync::Notify;

use super::super::test_grant::grant;
use super::*;
use crate::{Generation, Grant};

/// A store with one grant, at one generation or away.
struct Store {
    generation: Cell<Option<u64>>,
    reads: Cell<u32>,
    cache: GrantCache,
    key: GrantKey,
}

impl Store {
    fn new() -> Self {
        let (generation, reads) = (Cell::new(Some(1)), Cell::new(0));
        Self { generation, reads, cache: GrantCache::new(10), key: grant().key }
    }

    fn read(&self) -> Result<Option<VendableGrant>, StoreError> {
        self.reads.set(self.reads.get() + 1);
        let generation = self.generation.get().ok_or_else(|| StoreError::Unavailable("away".into()))?;
        let grant = Grant { generation: Generation::new(generation), ..grant() };
        Ok(Some(VendableGrant { grant, access_token: None }))
    }

    async fn held(&self) -> Option<HeldGrant> {
        self.cache.get_or_load(&self.key, async || self.read()).await.ok()
    }

    /// Generation, and whether it was served blind.
    async fn look(&self) -> Option<(u64, bool)> {
        self.held().await.map(|held| (held.grant.generation.get(), held.is_blind()))
    }

    fn goes_away(&self) {
        self.generation.set(None);
    }

    fn is_back_at(&self, generation: u64) {
        self.generation.set(Some(generation));
    }

    /// Served blind: set aside, and held.
    async fn blind() -> Self {
        let store = Self::new();
        assert_eq!(store.look().await, Some((1, false)));
        store.cache.doubt_all();
        store.goes_away();
        assert_eq!(store.look().await, Some((1, true)));
        store
    }
}

#[tokio::test]
async fn what_is_held_is_read_once_until_it_is_doubted() {
    let store = Store::new();
    let doubts: [&dyn Fn(); 3] =
        [&|| store.cache.doubt_all(), &|| store.cache.doubt_key(&store.key), &|| {
            store.cache.doubt_id(store.key.grant_id())
        }];
    store.look().await;
    for (generation, doubt) in (2..).zip(doubts) {
        store.is_back_at(generation);
        assert_eq!(store.look().await, Some((generation - 1, false)));
        doubt();
        assert_eq!(store.look().await, Some((generation, false)));
        assert_eq!(u64::from(store.reads.get()), generation);
    }
}

#[tokio::test]
async fn the_store_is_asked_in_vain_once_until_it_answers() {
    let store = Store::blind().await;
    let reads = store.reads.get();
    for _ in 0..3 {
        store.cache.doubt_all();
        assert_eq!(store.look().await, Some((1, true)));
    }
    assert_eq!(store.reads.get(), reads);
    store.is_back_at(2);
    assert_eq!(store.look().await, Some((1, true)), "nobody knows that it is back");
    store.cache.store_answers();
    assert_eq!(store.look().await, Some((2, false)));
}

#[tokio::test]
async fn that_a_store_answers_costs_nothing_that_was_read() {
    let store = Store::new();
    store.look().await;
    store.cache.store_answers();
    store.look().await;
    assert_eq!(store.reads.get(), 1);
}

#[tokio::test]
async fn what_is_forgotten_is_not_served_blind() {
    let forgets: [&dyn Fn(&Store); 3] = [
        &|store| store.cache.forget(&store.key),
        &|store| store.cache.forget_id(store.key.grant_id()),
        &|store| store.cache.forget_all(),
    ];
    for forget in forgets {
        let store = Store::blind().await;
        forget(&store);
        assert_eq!(store.look().await, None);
    }
}

#[tokio::test]
async fn news_of_a_grant_that_is_set_aside_alone_is_heard_too() {
    let store = Store::blind().await;
    store.cache.grants.clear();
    store.cache.keys.clear();
    store.cache.forget_id(store.key.grant_id());
    assert_eq!(store.look().await, None);
}

#[tokio::test]
async fn what_was_read_again_is_no_longer_set_aside() {
    let store = Store::blind().await;
    store.is_back_at(2);
    store.cache.store_answers();
    store.look().await;
    store.cache.grants.clear();
    store.goes_away();
    assert_eq!(store.look().await, None, "it would be generation 1");
}

#[tokio::test]
async fn of_many_who_have_seen_it_one_is_the_first_to_doubt_it() {
    let store = Store::new();
    let seen = store.held().await.unwrap();
    store.goes_away();
    assert!(store.cache.doubt(seen.row()));
    assert_eq!(store.look().await, Some((1, true)));
    assert!(!store.cache.doubt(seen.row()), "somebody has looked since");
}

#[tokio::test]
async fn what_is_read_while_it_changes_is_not_kept() {
    let changes: [&dyn Fn(&Store); 4] = [
        &|store| store.cache.forget(&store.key),
        &|store| store.cache.doubt_key(&store.key),
        &|store| store.cache.forget_all(),
        &|store| store.cache.doubt_all(),
    ];
    for change in changes {
        let (store, begun, go_on) = (Store::new(), Notify::new(), Notify::new());
        let slow = store.cache.get_or_load(&store.key, async || {
            let read = store.read();
            begun.notify_one();
            go_on.notified().await;
            read
        });
        let changing = async {
            begun.notified().await;
            change(&store);
            store.is_back_at(2);
            go_on.notify_one();
        };
        let (read, ()) = tokio::join!(slow, changing);
        assert_eq!(read.unwrap().grant.generation.get(), 1);
        assert_eq!(store.look().await, Some((2, false)));
    }
}
