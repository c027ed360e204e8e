//! What a failed try to revoke means: one pure decision.

use std::time::Duration;

use crate::schedule::retry_delay;
use crate::{FailureKind, LastFailure, ProviderFailure, Timestamp, Timing};

/// A refusal that names neither token nor client is given this many tries...
const REFUSALS: u32 = 8;
/// ...over at least this long, before the tokens are erased all the same.
const REFUSED_FOR: Duration = Duration::from_secs(24 * 3600);

/// What is done after a failed try.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// Try again then.
    TryAgain(LastFailure, Timestamp),
    /// The provider will not do it.
    GiveUp,
}

/// Decides. A server that is away, throttles or refuses the client is asked again for as long as it takes.
pub(super) fn judge(
    failure: &ProviderFailure,
    last: Option<&LastFailure>,
    now: Timestamp,
    draw: f64,
    timing: &Timing,
) -> Verdict {
    let same = last.filter(|last| last.kind == failure.kind);
    let failed = LastFailure {
        kind: failure.kind,
        at: now,
        oauth_error: failure.oauth_error.clone(),
        http_status: failure.http_status,
        in_a_row: same.map_or(0, |last| last.in_a_row).saturating_add(1),
        since: same.map_or(now, |last| last.since),
    };
    let refused_enough = failed.in_a_row >= REFUSALS && now.since(failed.since) >= REFUSED_FOR;
    if failure.kind == FailureKind::Refused && refused_enough {
        return Verdict::GiveUp;
    }
    let delay = retry_delay(failed.in_a_row, timing.retry_base, timing.probe_cap, draw);
    Verdict::TryAgain(failed, now + delay.max(failure.retry_after.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    /// Failures of one kind, each tried again as soon as it may be, until it is given up or for two days.
    fn tries(kind: FailureKind) -> (u32, Option<Duration>) {
        let (timing, mut now, mut last) = (Timing::default(), NOW, None::<LastFailure>);
        while now.since(NOW) < Duration::from_secs(48 * 3600) {
            match judge(&ProviderFailure::of(kind), last.as_ref(), now, 1.0, &timing) {
                Verdict::TryAgain(failure, next) => (last, now) = (Some(failure), next),
                Verdict::GiveUp => return (last.map_or(0, |last| last.in_a_row), Some(now.since(NOW))),
            }
        }
        (last.map_or(0, |last| last.in_a_row), None)
    }

    #[test]
    fn only_a_refusal_is_given_up_and_not_before_a_day() {
        let given_up = tries(FailureKind::Refused).1.unwrap();
        assert!(
            given_up >= REFUSED_FOR && given_up <= REFUSED_FOR + Duration::from_secs(3600),
            "{given_up:?}"
        );
        for kind in [FailureKind::Unreachable, FailureKind::Uncertain, FailureKind::ClientRejected] {
            let (tried, given_up) = tries(kind);
            assert!(given_up.is_none() && tried > 48, "{kind:?}: {tried}");
        }
    }

    #[test]
    fn the_provider_is_asked_no_sooner_than_it_said() {
        let wait = Duration::from_secs(7200);
        let failure =
            ProviderFailure { retry_after: Some(wait), ..ProviderFailure::of(FailureKind::Throttled) };
        let verdict = judge(&failure, None, NOW, 0.0, &Timing::default());
        assert!(matches!(verdict, Verdict::TryAgain(_, next) if next == NOW + wait), "{verdict:?}");
    }
}
