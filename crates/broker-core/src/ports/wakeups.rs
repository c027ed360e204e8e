//! Waiters learn at once that another replica has news of a grant. A hint to look at the store, never the news itself.

use tokio::sync::broadcast::{self, error::RecvError};

use crate::{Generation, GrantId};

/// How far a subscriber may fall behind before it has missed something.
const BACKLOG: usize = 1024;

/// What has become of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A request that presents its refresh token is about to be written.
    Sent,
    /// A consent or import that may replace its token set is about to be written.
    Consenting,
    /// It has a new token set.
    Adopted,
    /// It was revoked: nothing that is remembered of it may be served.
    Revoked,
    /// A process that cannot rotate it asks for a rotation.
    Wanted,
    /// A rotation that was asked for has ended.
    Answered,
}

/// News of one grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wakeup {
    /// The grant.
    pub grant: GrantId,
    /// The generation presented ([`News::Sent`]) or made ([`News::Adopted`]), or the one revoked or asked for.
    pub generation: Generation,
    /// What happened.
    pub news: News,
}

/// What a subscriber hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// News of a grant.
    News(Wakeup),
    /// News may have been lost: look again at everything that is waited for.
    Gap,
}

/// Carries news between replicas, as far as it can.
pub trait Wakeups: Send + Sync {
    /// Tells every subscriber, those of this process included. Best effort: returns at once and never fails.
    fn announce(&self, wakeup: Wakeup);

    /// Hears everything announced from now on.
    fn subscribe(&self) -> WakeupStream;

    /// Whether news of other processes is carried at all.
    fn is_shared(&self) -> bool;
}

/// One subscriber's end.
#[derive(Debug)]
pub struct WakeupStream(broadcast::Receiver<Heard>);

impl WakeupStream {
    /// The next thing heard; [`Heard::Gap`] also after falling too far behind. `None` once nothing more can come.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(heard) => Some(heard),
            Err(RecvError::Lagged(_)) => Some(Heard::Gap),
            Err(RecvError::Closed) => None,
        }
    }
}

/// News among the tasks of one process.
#[derive(Debug, Clone)]
pub struct InProcessWakeups(broadcast::Sender<Heard>);

impl InProcessWakeups {
    /// Tells every subscriber that news may have been lost.
    pub fn tell_gap(&self) {
        self.tell(Heard::Gap);
    }

    fn tell(&self, heard: Heard) {
        // Fails only when nobody listens.
        let _ = self.0.send(heard);
    }
}

impl Default for InProcessWakeups {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Wakeups for InProcessWakeups {
    fn announce(&self, wakeup: Wakeup) {
        self.tell(Heard::News(wakeup));
    }

    fn subscribe(&self) -> WakeupStream {
        WakeupStream(self.0.subscribe())
    }

    fn is_shared(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adopted(generation: u64) -> Wakeup {
        Wakeup { grant: GrantId::NIL, generation: Generation::new(generation), news: News::Adopted }
    }

    #[tokio::test]
    async fn every_subscriber_hears_what_is_announced_after_it_came() {
        let wakeups = InProcessWakeups::default();
        wakeups.announce(adopted(1));
        let (mut first, mut second) = (wakeups.subscribe(), wakeups.subscribe());
        wakeups.announce(adopted(2));
        assert_eq!(first.next().await, Some(Heard::News(adopted(2))));
        assert_eq!(second.next().await, Some(Heard::News(adopted(2))));
    }

    #[tokio::test]
    async fn who_falls_behind_is_told_of_the_gap_and_hears_on() {
        let wakeups = InProcessWakeups::default();
        let mut slow = wakeups.subscribe();
        let told = BACKLOG as u64 + 1;
        (0..told).for_each(|generation| wakeups.announce(adopted(generation)));
        assert_eq!(slow.next().await, Some(Heard::Gap));
        assert_eq!(slow.next().await, Some(Heard::News(adopted(1))));
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_source() {
        let wakeups = InProcessWakeups::default();
        let mut stream = wakeups.subscribe();
        drop(wakeups);
        assert_eq!(stream.next().await, None);
    }
}
