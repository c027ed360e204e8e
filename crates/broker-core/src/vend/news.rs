//! News of other replicas: cached grants are forgotten or doubted, and who waits for a grant looks at the store again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::watch::Watchers;
use super::{Consenting, GrantCache};
use crate::ports::{Heard, News, Wakeup, Wakeups};
use crate::revocation::keep_forgetting;
use crate::{Broker, Clock, GrantId, Timestamp};

/// A rotation of another replica that was heard of longer ago is not waited for (rule 8).
pub(super) const HEARD_FOR: Duration = Duration::from_secs(10);

/// Rotations elsewhere that are remembered at once. More are only not waited for.
const MOST_HEARD: usize = 10_000;

/// Who waits for which grant, and which grants are being rotated elsewhere.
#[derive(Default)]
pub(crate) struct NewsDesk {
    waiting: Mutex<HashMap<GrantId, Arc<Notify>>>,
    sent: Mutex<HashMap<GrantId, Timestamp>>,
    consenting: Consenting,
    wanted: Notify,
    /// Who watches tokens.
    pub(crate) watchers: Arc<Watchers>,
}

impl NewsDesk {
    /// Returns at the next news of the grant, or at a gap in the news. May return without either.
    pub(crate) async fn of(&self, grant: GrantId) {
        let notify = lock(&self.waiting).entry(grant).or_default().clone();
        let waiter = Waiter { desk: self, grant, notify };
        waiter.notify.notified().await;
    }

    /// Whether another replica was lately heard to present the grant's refresh token, and not yet to adopt.
    pub(super) fn is_sent_elsewhere(&self, grant: GrantId, now: Timestamp) -> bool {
        lock(&self.sent).get(&grant).is_some_and(|heard| now.since(*heard) < HEARD_FOR)
    }

    /// The consents under way for grants that exist.
    pub(crate) fn consenting(&self) -> &Consenting {
        &self.consenting
    }

    /// Takes in what is heard until `stop`; `cache` forgets or doubts what it is of.
    pub(crate) async fn listen(
        &self,
        wakeups: &dyn Wakeups,
        cache: &GrantCache,
        clock: &dyn Clock,
        stop: &CancellationToken,
    ) {
        let mut stream = wakeups.subscribe();
        while let Some(heard) = stop.run_until_cancelled(stream.next()).await.flatten() {
            self.hear(heard, cache, clock.now());
        }
    }

    fn hear(&self, heard: Heard, cache: &GrantCache, now: Timestamp) {
        match heard {
            Heard::News(wakeup) => {
                match wakeup.news {
                    News::Sent | News::Wanted | News::Consenting => cache.doubt_id(wakeup.grant),
                    News::Adopted | News::Revoked | News::Answered => cache.forget_id(wakeup.grant),
                }
                self.take_in(wakeup, now);
                match wakeup.news {
                    // What was asked for may have been sent before anybody hears that.
                    News::Sent | News::Wanted => self.watchers.tell_begun(wakeup.grant),
                    _ => self.watchers.tell(wakeup.grant),
                }
            }
            Heard::Gap => {
                cache.doubt_all();
                self.wake_everybody();
                self.watchers.tell_all();
            }
        }
    }

    fn take_in(&self, wakeup: Wakeup, now: Timestamp) {
        let mut sent = lock(&self.sent);
        match wakeup.news {
            News::Adopted | News::Revoked | News::Answered => {
                sent.remove(&wakeup.grant);
                self.consenting.is_over(wakeup.grant);
            }
            News::Consenting => self.consenting.hear(wakeup.grant, now),
            News::Wanted => self.wanted.notify_one(),
            News::Sent => {
                if sent.len() >= MOST_HEARD {
                    sent.retain(|_, heard| now.since(*heard) < HEARD_FOR);
                }
                if sent.len() < MOST_HEARD {
                    sent.insert(wakeup.grant, now);
                }
            }
        }
        drop(sent);
        if let Some(notify) = lock(&self.waiting).remove(&wakeup.grant) {
            notify.notify_waiters();
        }
    }

    /// Returns once another process may have asked for a rotation.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    fn wake_everybody(&self) {
        self.wanted.notify_one();
        lock(&self.waiting).drain().for_each(|(_, notify)| notify.notify_waiters());
    }
}

/// One who waits. The last to leave takes the grant off the list.
struct Waiter<'a> {
    desk: &'a NewsDesk,
    grant: GrantId,
    notify: Arc<Notify>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.desk.waiting);
        let mine = |listed: &Arc<Notify>| Arc::ptr_eq(listed, &self.notify);
        // Two holders: the list and this one.
        if waiting.get(&self.grant).is_some_and(mine) && Arc::strong_count(&self.notify) == 2 {
            waiting.remove(&self.grant);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Broker {
    /// Tells the other replicas.
    pub(crate) fn announce(&self, wakeup: Wakeup) {
        self.wakeups.announce(wakeup);
    }

    /// Listens to the other replicas until `stop`, and looks at the store for what they revoked and for what watchers may
    /// have missed. Without it everything works, only later.
    pub async fn run_news(self: Arc<Self>, stop: CancellationToken) {
        let vendor = self.vendor();
        tokio::join!(
            self.news.listen(self.wakeups.as_ref(), &self.cache, self.clock.as_ref(), &stop),
            vendor.look_for_missed(&stop),
            keep_forgetting(self.revocations.as_ref(), &self.cache, self.clock.as_ref(), &stop),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_grant::grant;
    use super::*;
    use crate::ports::{StoreError, VendableGrant};
    use crate::{Generation, GrantKey};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn wakeup(news: News) -> Wakeup {
        Wakeup { grant: GrantId::NIL, generation: Generation::new(1), news }
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_news_and_by_a_gap() {
        let desk = NewsDesk::default();
        let both = async {
            tokio::join!(desk.of(GrantId::NIL), desk.of(GrantId::NIL));
        };
        tokio::pin!(both);
        assert!(futures_now(both.as_mut()).await.is_none(), "nothing was heard yet");
        desk.take_in(wakeup(News::Adopted), NOW);
        both.await;
        let again = desk.of(GrantId::NIL);
        tokio::pin!(again);
        assert!(futures_now(again.as_mut()).await.is_none());
        desk.wake_everybody();
        again.await;
    }

    #[tokio::test]
    async fn what_has_changed_is_forgotten_and_what_may_change_doubted() {
        let key = grant().key;
        let cases = [
            (Heard::Gap, true),
            (Heard::News(news_of(&key, News::Sent)), true),
            (Heard::News(news_of(&key, News::Consenting)), true),
            (Heard::News(news_of(&key, News::Wanted)), true),
            (Heard::News(news_of(&key, News::Adopted)), false),
            (Heard::News(news_of(&key, News::Answered)), false),
            (Heard::News(news_of(&key, News::Revoked)), false),
        ];
        for (heard, is_served) in cases {
            let cache = GrantCache::new(1);
            let row = async || Ok(Some(VendableGrant { grant: grant(), access_token: None }));
            cache.get_or_load(&key, row).await.unwrap();
            NewsDesk::default().hear(heard, &cache, NOW);
            let away = async || Err(StoreError::Unavailable("away".into()));
            let held = cache.get_or_load(&key, away).await;
            assert_eq!(held.is_ok_and(|held| held.is_blind()), is_served, "{heard:?}");
        }
    }

    fn news_of(key: &GrantKey, news: News) -> Wakeup {
        Wakeup { grant: key.grant_id(), ..wakeup(news) }
    }

    #[tokio::test]
    async fn who_gives_up_leaves_nothing_behind() {
        let desk = NewsDesk::default();
        {
            let (first, second) = (desk.of(GrantId::NIL), desk.of(GrantId::NIL));
            tokio::pin!(first, second);
            assert!(
                futures_now(first.as_mut()).await.is_none() && futures_now(second.as_mut()).await.is_none()
            );
            assert_eq!(lock(&desk.waiting).len(), 1);
        }
        assert!(lock(&desk.waiting).is_empty());
    }

    /// The result of a future that is ready.
    async fn futures_now<F: Future + Unpin>(future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            done = future => Some(done),
            () = std::future::ready(()) => None,
        }
    }

    #[test]
    fn a_rotation_elsewhere_is_known_until_it_is_adopted_or_old() {
        let desk = NewsDesk::default();
        desk.take_in(wakeup(News::Sent), NOW);
        assert!(desk.is_sent_elsewhere(GrantId::NIL, NOW + Duration::from_secs(9)));
        assert!(!desk.is_sent_elsewhere(GrantId::NIL, NOW + HEARD_FOR));
        desk.take_in(wakeup(News::Adopted), NOW);
        assert!(!desk.is_sent_elsewhere(GrantId::NIL, NOW));
    }
}
