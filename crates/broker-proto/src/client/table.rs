//! What is known of all keys.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use super::entry::Entry;
use super::options::Options;
use crate::v1::{GrantKey, GrantStateUpdate, KnownGeneration, WatchAccessTokensRequest};

/// `repeated.max_items` of `WatchAccessTokensRequest.keys`.
const MOST_WATCHED: usize = 1024;

/// What is known of all keys.
#[derive(Default)]
pub(super) struct Table {
    entries: HashMap<GrantKey, Entry>,
    /// The keys of the open stream.
    watched: HashSet<GrantKey>,
}

impl Table {
    pub(super) fn state(&self, key: &GrantKey) -> Option<GrantStateUpdate> {
        self.entries.get(key)?.state
    }

    /// What is known of a key that somebody asks for.
    pub(super) fn used(&mut self, key: &GrantKey, now: SystemTime) -> &mut Entry {
        let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry::new(now));
        entry.used_at = now;
        entry
    }

    /// What is known of a key, unless it was forgotten.
    pub(super) fn known(&mut self, key: &GrantKey) -> Option<&mut Entry> {
        self.entries.get_mut(key)
    }

    /// The keys that can be watched, those used last first; `None` without any.
    pub(super) fn watch(&mut self) -> Option<WatchAccessTokensRequest> {
        let mut chosen: Vec<_> = self.entries.iter().filter(|(_, entry)| entry.is_watchable).collect();
        chosen.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.used_at));
        chosen.truncate(MOST_WATCHED);
        let known = |(key, entry): &(&GrantKey, &Entry)| {
            let generation = entry.known_generation()?;
            Some(KnownGeneration { key: Some((*key).clone()), generation })
        };
        let known_generations = chosen.iter().filter_map(known).collect();
        let keys: Vec<_> = chosen.into_iter().map(|(key, _)| key.clone()).collect();
        let request = WatchAccessTokensRequest { keys, known_generations, ..Default::default() };
        (!request.keys.is_empty()).then_some(request)
    }

    /// A stream is open for these keys; for none when it ended.
    pub(super) fn watching(&mut self, keys: impl IntoIterator<Item = GrantKey>) {
        self.watched = keys.into_iter().collect();
    }

    pub(super) fn watched(&self) -> Vec<GrantKey> {
        self.watched.iter().cloned().collect()
    }

    /// Whether another stream should be opened for the sake of this key. Not where one key would go for another: more keys in use
    /// than can be watched would have it opened all the time.
    pub(super) fn misses(&self, key: &GrantKey) -> bool {
        let watchable = self.entries.get(key).is_some_and(|entry| entry.is_watchable);
        watchable && !self.watched.contains(key) && self.watched.len() < MOST_WATCHED
    }

    /// Forgets what nobody uses. Answers whether anything was watched.
    pub(super) fn forget(&mut self, now: SystemTime, after: Duration) -> bool {
        let watched = &self.watched;
        let mut changed = false;
        self.entries.retain(|key, entry| {
            let keep = entry.used_at.checked_add(after).is_none_or(|at| at > now);
            changed |= !keep && watched.contains(key);
            keep
        });
        changed
    }

    /// The keys that are due, and when something is to be done next.
    pub(super) fn due(&self, now: SystemTime, options: &Options) -> (Vec<GrantKey>, Option<SystemTime>) {
        let due_at = |key: &GrantKey, entry: &Entry| entry.due_at(self.watched.contains(key), options);
        let is_due = |(key, entry): &(&GrantKey, &Entry)| due_at(key, entry).is_some_and(|time| time <= now);
        let due = self.entries.iter().filter(is_due).map(|(key, _)| key.clone()).collect();
        let next = |(key, entry): (&GrantKey, &Entry)| {
            let forgotten_at = entry.used_at.checked_add(options.forget_after);
            [due_at(key, entry), forgotten_at].into_iter().flatten().min()
        };
        (due, self.entries.iter().filter_map(next).min())
    }
}
