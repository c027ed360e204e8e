//! Refresh tokens that were shown although their successor was adopted or held.

use provider_sim::Entry;

use super::case::{Case, Record, arrived};
use crate::profile::Profile;

/// From some moment on, the broker had the refresh token of this generation.
struct Holding {
    /// Counted by the provider: 0 for the token of the code exchange.
    generation: u64,
    since_micros: u64,
    because: &'static str,
}

/// Each double-spend of the grant, told.
pub(crate) fn double_spends(case: &Case, record: &Record<'_>) -> Vec<String> {
    if !case.subject.profile.rotates() {
        return Vec::new();
    }
    let holdings = holdings(case, record);
    let mut newest_shown = 0;
    let mut told = Vec::new();
    for entry in &case.presentations {
        let shown = entry.generation.unwrap_or(0);
        let moment = decided(case, entry);
        let held = holdings.iter().find(|held| held.generation > shown && held.since_micros < moment);
        let because = held.map(|held| held.because).or((shown < newest_shown).then_some("shown before"));
        if let Some(because) = because {
            told.push(format!(
                "{}/{}: generation {shown} was shown while a later one was {because}: {entry:?}",
                case.subject.profile.name(),
                case.subject.key.user_id
            ));
        }
        newest_shown = newest_shown.max(shown);
    }
    told
}

/// When it was too late not to show the token. At a strict provider its arrival counts. Within a grace nothing is
/// harmed by an answer that is adopted between SENT and the arrival of a replay, and rotation in grace allows that.
fn decided(case: &Case, entry: &Entry) -> u64 {
    match case.subject.profile {
        Profile::Grace => case.attempt_of(entry).and_then(|attempt| attempt.sent_micros),
        _ => None,
    }
    .unwrap_or_else(|| arrived(entry))
}

fn holdings(case: &Case, record: &Record<'_>) -> Vec<Holding> {
    let mut holdings = Vec::new();
    for (entry, attempt) in case.linked().filter(|(entry, _)| entry.committed) {
        let generation = entry.generation.unwrap_or(0) + 1;
        let mut hold = |since_micros, because| holdings.push(Holding { generation, since_micros, because });
        if let Some(adopted_micros) = attempt.adopted_micros {
            hold(adopted_micros, "adopted");
        }
        // A grace is replayed without waiting for anybody's escrow: it harms nothing.
        if case.subject.profile.is_strict()
            && let Some(death) = record.found_in(attempt)
        {
            hold(death.killed_micros, "in a dead replica's escrow");
        }
    }
    if case.subject.profile.is_strict() {
        // The broker's first token set is the provider's generation 0, and each further one is one more.
        let vended = case.vended.iter().map(|(generation, since_micros)| Holding {
            generation: generation.saturating_sub(1),
            since_micros: *since_micros,
            because: "vended",
        });
        holdings.extend(vended);
    }
    holdings
}
