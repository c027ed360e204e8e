//! A grace provider accepts a used refresh token again for a while: whether that while is over (rule 7).

use std::time::Duration;

use super::fence::usable_grace;
use crate::ports::SentBefore;
use crate::{RotationMode, Timestamp, Timing};

/// How a claimed refresh token may be presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// SENT is refused later than this after the token was first sent.
    Within(Duration),
    /// At any time.
    Unlimited,
    /// Not before this time.
    NotBefore(Timestamp),
}

/// Decides for a token that was, or was not, sent before.
pub(super) fn permit(
    mode: RotationMode,
    sent: Option<SentBefore>,
    now: Timestamp,
    timing: &Timing,
) -> Permit {
    let RotationMode::Grace(grace) = mode else { return Permit::Unlimited };
    let within = usable_grace(grace);
    match sent {
        None => Permit::Within(within),
        Some(sent) if now <= sent.first + within => Permit::Within(within),
        Some(sent) if now >= after_grace(sent.last, timing) => Permit::Unlimited,
        Some(sent) => Permit::NotBefore(after_grace(sent.last, timing)),
    }
}

/// Past its grace a token is like a single-use one whose reuse may cost the family: no orphaned request, no late
/// answer and no journal may still hold its successor.
pub(super) fn after_grace(last_sent: Timestamp, timing: &Timing) -> Timestamp {
    let journals = timing.death_detection + timing.escrow_wait;
    last_sent + timing.orphan_wait.max(timing.late_read).max(journals)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
    const GRACE: RotationMode = RotationMode::Grace(Duration::from_secs(30));

    fn at(seconds: u64) -> Permit {
        let sent = SentBefore { first: FIRST, last: FIRST + Duration::from_secs(10) };
        permit(GRACE, Some(sent), FIRST + Duration::from_secs(seconds), &Timing::default())
    }

    #[test]
    fn a_token_sent_before_is_replayed_within_its_grace_and_then_rests() {
        let within = Permit::Within(Duration::from_secs(28));
        assert_eq!(permit(GRACE, None, FIRST, &Timing::default()), within);
        assert_eq!(at(28), within);
        assert_eq!(at(29), Permit::NotBefore(FIRST + Duration::from_secs(618)));
        assert_eq!(at(618), Permit::Unlimited);
    }

    #[test]
    fn other_tokens_know_no_grace() {
        for mode in [RotationMode::Reusable, RotationMode::SingleUse(crate::ReusePolicy::Unknown)] {
            assert_eq!(permit(mode, None, FIRST, &Timing::default()), Permit::Unlimited);
        }
    }
}
