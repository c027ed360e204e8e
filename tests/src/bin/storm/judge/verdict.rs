//! What the evidence of all grants amounts to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::case::{Case, Record};
use super::chance;
use super::double_spends::double_spends;
use super::ledger::breaches;
use super::loss::{Loss, attribute};
use crate::evidence::Event;
use crate::profile::Profile;
use crate::watch::Doubt;

/// At most so many kills in a hundred may cost a grant between the provider's last byte and the escrow, unless the machine
/// lets answers lie unread for so long that more must be expected.
const C5_PER_CENT: usize = 1;

/// Something that must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Charge {
    /// A token was shown whose successor was adopted or held.
    DoubleSpend,
    /// A grant was lost at a provider where none need be.
    LostNeedlessly,
    /// A grant was lost whose answer lay in escrow.
    RecordPresentAndLost,
    /// A grant was lost and nobody knows why.
    Unattributed,
    /// An answer was adopted that never lay in escrow.
    AdoptedUnescrowed,
    /// More answers were lost between provider and escrow than are allowed.
    TooManyC5,
    /// A grant stood in doubt for too long.
    Stuck,
    /// A grant was neither given up nor refreshed on demand.
    NotSettled,
    /// An attempt is open although every replica has ended well.
    LeftOpen,
    /// A place in the log of events is empty.
    EventGap,
    /// An event tells of a generation that is not the next one of its grant.
    EventOutOfTurn,
    /// A token set was adopted of which no event tells, or one tells of a token set that was not.
    EventMissing,
    /// A replica did not end well when it was asked to.
    BadEnd,
    /// Nothing was at stake: no attempt was sent by a process that was killed before it was closed.
    NothingHit,
}

impl Charge {
    /// For people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::DoubleSpend => "a token was shown whose successor was adopted or held",
            Self::LostNeedlessly => "a grant was lost at a provider where none need be",
            Self::RecordPresentAndLost => "a grant was lost although its answer lay in escrow",
            Self::Unattributed => "a grant was lost and nobody knows why",
            Self::AdoptedUnescrowed => "answers were adopted that never lay in escrow",
            Self::TooManyC5 => "too many answers were lost between provider and escrow",
            Self::Stuck => "a grant stood in doubt for too long",
            Self::NotSettled => "a grant was neither given up nor refreshed on demand",
            Self::LeftOpen => "an attempt is open although every replica has ended well",
            Self::EventGap => "the log of events has a gap",
            Self::EventOutOfTurn => "an event tells of a generation out of turn",
            Self::EventMissing => "the log of events and the adoptions differ",
            Self::BadEnd => "a replica did not end well",
            Self::NothingHit => "nothing was at stake",
        }
    }
}

/// What the storm came to.
#[derive(Default, Serialize)]
pub(crate) struct Verdict {
    pub(crate) kills: usize,
    /// Attempts that a kill met between SENT and their end.
    pub(crate) hit: usize,
    /// Of those, the ones whose answer was adopted from the dead replica's escrow.
    pub(crate) rescued: usize,
    /// Microseconds from the provider's last byte to the broker's having read the answer: the median, and the longest
    /// of all but one in a hundred. This long, and a write, a kill costs a grant of a strict provider.
    pub(crate) unread_micros: [u64; 2],
    /// How many answers the kills must have met before they were in the journal, going by how long they lay unread.
    pub(crate) c5_expected: f64,
    pub(crate) double_spends: usize,
    /// How many events the log has.
    pub(crate) events: usize,
    pub(crate) losses: BTreeMap<Profile, Vec<Loss>>,
    pub(crate) charges: Vec<(Charge, String)>,
}

impl Verdict {
    /// Judges every case.
    pub(crate) fn of(cases: &[Case], record: &Record<'_>) -> Self {
        let mut verdict = Self { kills: record.deaths.len(), ..Self::default() };
        for case in cases {
            verdict.weigh(case, record);
        }
        let unread = unread(cases, record);
        verdict.unread_micros = [percentile(&unread, 50), percentile(&unread, 99)];
        verdict.c5_expected = chance::expected_lost(cases, record, &unread);
        verdict.weigh_escrows(cases, record);
        verdict.weigh_c5();
        if verdict.hit == 0 {
            verdict.charge(Charge::NothingHit, format!("none of {} kills met an attempt", verdict.kills));
        }
        verdict
    }

    /// Adds the log of events to what is judged.
    pub(crate) fn weigh_events(&mut self, events: &[Event], cases: &[Case]) {
        self.events = events.len();
        self.charges.extend(breaches(events, cases));
    }

    /// Adds the longest doubt to what is judged.
    pub(crate) fn weigh_doubt(&mut self, longest: Option<&Doubt>, allowed: Duration) {
        if let Some(doubt) = longest
            && doubt.seconds > allowed.as_secs_f64()
        {
            self.charge(Charge::Stuck, format!("longer than {allowed:?}: {doubt:?}"));
        }
    }

    pub(crate) fn charge(&mut self, charge: Charge, detail: String) {
        self.charges.push((charge, detail));
    }

    /// How many grants were lost at this point.
    pub(crate) fn lost(&self, profile: Profile, at: impl Fn(&Loss) -> bool) -> usize {
        self.losses.get(&profile).map_or(0, |losses| losses.iter().filter(|loss| at(loss)).count())
    }

    /// Losses between the provider's last byte and the escrow, at all providers.
    pub(crate) fn c5(&self) -> usize {
        Profile::ALL
            .into_iter()
            .map(|profile| self.lost(profile, |loss| matches!(loss, Loss::C5 { .. })))
            .sum()
    }

    /// How many of those so many kills may cost. Of fewer than a hundred kills one proves nothing.
    pub(crate) fn c5_allowed(&self) -> usize {
        (self.kills * C5_PER_CENT / 100).max(1).max(chance::at_most(self.c5_expected))
    }

    pub(crate) fn is_charged_with(&self, charge: Charge) -> bool {
        self.charges.iter().any(|(one, _)| *one == charge)
    }

    fn weigh(&mut self, case: &Case, record: &Record<'_>) {
        for spend in double_spends(case, record) {
            self.double_spends += 1;
            self.charge(Charge::DoubleSpend, spend);
        }
        for attempt in &case.attempts {
            let met = record.death_of(attempt).is_some_and(|death| {
                attempt.sent_micros.is_some_and(|sent| sent <= death.killed_micros)
                    && attempt.closed_micros.is_none_or(|closed| closed > death.killed_micros)
            });
            self.hit += usize::from(met);
            self.rescued +=
                usize::from(met && attempt.adopted_micros.is_some() && record.found_in(attempt).is_some());
            if attempt.closed_micros.is_none() {
                self.charge(Charge::LeftOpen, format!("{attempt:?}"));
            }
        }
        match (case.ending.lives, case.ending.given_up) {
            (true, _) => {}
            (false, true) => self.weigh_loss(case, record),
            (false, false) => self.charge(Charge::NotSettled, told(case)),
        }
    }

    fn weigh_loss(&mut self, case: &Case, record: &Record<'_>) {
        let loss = attribute(case, record);
        match (&loss, case.subject.profile.is_strict()) {
            (_, false) => self.charge(Charge::LostNeedlessly, format!("{} {loss:?}", told(case))),
            (Loss::C4 | Loss::C5 { .. }, true) => {}
            (Loss::RecordPresent(why), true) => {
                self.charge(Charge::RecordPresentAndLost, format!("{} {why}", told(case)));
            }
            (Loss::Unattributed(why), true) => {
                self.charge(Charge::Unattributed, format!("{} {why}", told(case)));
            }
        }
        self.losses.entry(case.subject.profile).or_default().push(loss);
    }

    /// Every answer is escrowed before it is adopted, and the newest of a grant is kept.
    fn weigh_escrows(&mut self, cases: &[Case], record: &Record<'_>) {
        let mut unescrowed = cases.iter().flat_map(|case| case.unescrowed(record)).peekable();
        if let Some(first) = unescrowed.peek().copied() {
            let count = unescrowed.count();
            self.charge(Charge::AdoptedUnescrowed, format!("{count} answers; the first one: {first:?}"));
        }
    }

    fn weigh_c5(&mut self) {
        let (lost, allowed, kills) = (self.c5(), self.c5_allowed(), self.kills);
        if lost > allowed {
            self.charge(Charge::TooManyC5, format!("{lost} in {kills} kills; {allowed} are allowed"));
        }
    }
}

/// How long answers lay unread, the shortest first.
fn unread(cases: &[Case], record: &Record<'_>) -> Vec<u64> {
    let mut unread: Vec<u64> = cases.iter().flat_map(|case| case.unread_micros(record)).collect();
    unread.sort_unstable();
    unread
}

/// What so many in a hundred do not exceed.
fn percentile(sorted: &[u64], part: usize) -> u64 {
    sorted.get(sorted.len() * part / 100).copied().unwrap_or(0)
}

fn told(case: &Case) -> String {
    let (profile, user) = (case.subject.profile.name(), &case.subject.key.user_id);
    format!("{profile}/{user} ({:032x}): {}.", case.subject.grant, case.ending.words)
}
