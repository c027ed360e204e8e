//! All evidence of one grant, and how the provider's side of it fits the broker's.

use provider_sim::Entry;

use crate::evidence::Attempt;
use crate::grants::Subject;
use crate::replica::Death;
use crate::settle::Ending;

/// What was seen of one grant.
pub(crate) struct Case {
    pub(super) subject: Subject,
    pub(super) ending: Ending,
    /// Every time its refresh tokens were shown, in order of arrival.
    pub(super) presentations: Vec<Entry>,
    /// The broker's refresh attempts, in the order in which they were sent; first those that never were.
    pub(super) attempts: Vec<Attempt>,
    /// Generations of the broker and when they were first vended, in microseconds since 1970.
    pub(super) vended: Vec<(u64, u64)>,
}

/// What the storm did, for all cases.
pub(crate) struct Record<'a> {
    pub(crate) deaths: &'a [Death],
    /// Which replica a run of a process was; `None` where nobody knows.
    pub(crate) replica_of: &'a dyn Fn(u128) -> Option<usize>,
}

/// Arrival at the provider, in microseconds. The provider counts milliseconds; this is the earliest it may have been.
pub(crate) const fn arrived(entry: &Entry) -> u64 {
    entry.time * 1000
}

impl Case {
    /// Puts the evidence in order.
    pub(crate) fn new(
        subject: Subject,
        ending: Ending,
        presentations: Vec<Entry>,
        mut attempts: Vec<Attempt>,
        vended: Vec<(u64, u64)>,
    ) -> Self {
        attempts.sort_by_key(|attempt| attempt.sent_micros);
        Self { subject, ending, presentations, attempts, vended }
    }

    /// The attempt behind a presentation: the last one that was sent before it arrived. A grant has one open attempt
    /// at most, so no other can have been on its way.
    pub(super) fn attempt_of(&self, entry: &Entry) -> Option<&Attempt> {
        let latest = arrived(entry) + 999;
        self.attempts.iter().rfind(|attempt| attempt.sent_micros.is_some_and(|sent| sent <= latest))
    }

    /// Presentations with the attempts behind them.
    pub(super) fn linked(&self) -> impl Iterator<Item = (&Entry, &Attempt)> {
        self.presentations.iter().filter_map(|entry| Some((entry, self.attempt_of(entry)?)))
    }

    /// How many token sets became the grant's: that of the consent, and one for each refresh that was adopted.
    pub(super) fn adoptions(&self) -> u64 {
        1 + self.attempts.iter().filter(|attempt| attempt.adopted_micros.is_some()).count() as u64
    }

    /// How long each answer found in an escrow had lain unread.
    pub(super) fn unread_micros(&self, record: &Record<'_>) -> Vec<u64> {
        let read = |(entry, attempt): (&Entry, &Attempt)| {
            let received = record.found_in(attempt)?.records.get(&attempt.id)?;
            Some(received.saturating_sub(entry.answered_micros?))
        };
        self.linked().filter_map(read).collect()
    }

    /// Answers of a strict provider that came to a process which was killed later, or never came because of that.
    pub(super) fn strict_answers(&self, record: &Record<'_>) -> usize {
        let to_the_killed =
            |(entry, attempt): &(&Entry, &Attempt)| entry.committed && record.death_of(attempt).is_some();
        if self.subject.profile.is_strict() { self.linked().filter(to_the_killed).count() } else { 0 }
    }

    /// Attempts whose answer was adopted by their owner, and of which the escrow that it left has neither a record nor
    /// one of the same grant that is newer.
    pub(super) fn unescrowed(&self, record: &Record<'_>) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(move |attempt| {
            let Some(death) = record.death_of(attempt) else { return false };
            let adopted = attempt.adopted_micros.is_some_and(|adopted| adopted <= death.killed_micros);
            let newer = |other: &&Attempt| other.sent_micros >= attempt.sent_micros;
            adopted && !self.attempts.iter().filter(newer).any(|other| death.records.contains_key(&other.id))
        })
    }

    /// The last rotation that the provider carried out and the broker never adopted.
    pub(super) fn unadopted_rotation(&self) -> Option<&Entry> {
        let last = self.presentations.iter().rfind(|entry| entry.committed)?;
        let adopted = self.attempt_of(last).is_some_and(|attempt| attempt.adopted_micros.is_some());
        (!adopted).then_some(last)
    }
}

impl Record<'_> {
    /// How the process ended that made the attempt; `None` if it was not killed, or nobody knows which one it was.
    pub(super) fn death_of(&self, attempt: &Attempt) -> Option<&Death> {
        let replica = (self.replica_of)(attempt.owner)?;
        let alive = |death: &&Death| {
            death.started_micros <= attempt.claimed_micros && attempt.claimed_micros <= death.killed_micros
        };
        self.deaths.iter().filter(|death| death.replica == replica).find(alive)
    }

    /// A death in whose escrow the answer to the attempt lay.
    pub(super) fn found_in(&self, attempt: &Attempt) -> Option<&Death> {
        self.deaths.iter().find(|death| death.records.contains_key(&attempt.id))
    }
}
