//! An answer that takes too long is not waited for any more, and still read (rule 5).

use std::sync::OnceLock;
use std::time::Duration;

use super::Rotated;
use super::conclusion::{Circumstances, conclude};
use super::flights::Landing;
use super::presentation::Presented;
use crate::error::chain;
use crate::ports::{AttemptEnd, ClaimedRefresh, Lease, ProviderClient};
use crate::{Broker, FailureKind, ProviderFailure, RotationMode, Timestamp, Timing};

/// How long an answer is waited for. Within a grace there must be time for a second and a third try.
pub(super) fn deadline(mode: RotationMode, timing: &Timing) -> Duration {
    match mode {
        RotationMode::Grace(grace) => timing.attempt_budget.min(grace / 3),
        RotationMode::Reusable | RotationMode::SingleUse(_) => timing.attempt_budget,
    }
}

/// Whom a presentation keeps waiting, and for how long.
pub(super) struct Waiting<'a> {
    /// The claim it is for.
    pub(super) claimed: &'a ClaimedRefresh,
    /// The waiters.
    pub(super) landing: &'a Landing,
    /// How long they wait.
    pub(super) deadline: Timestamp,
    /// When SENT was committed, once it was.
    pub(super) sent_at: &'a OnceLock<Timestamp>,
}

impl Broker {
    /// Waits for the end of a presentation. At `deadline` the waiters are let go; where the token may be presented again
    /// at once, the attempt is closed too, so that the next one need not wait for this reading to end.
    pub(super) async fn read_even_late(
        &self,
        presenting: impl Future<Output = Presented>,
        waiting: Waiting<'_>,
        provider: &dyn ProviderClient,
        lease: &mut Option<Lease>,
    ) -> Presented {
        let claimed = waiting.claimed;
        tokio::pin!(presenting);
        tokio::select! {
            biased;
            presented = &mut presenting => return presented,
            () = self.clock.sleep_until(waiting.deadline) => {}
        }
        tracing::warn!(
            attempt = %claimed.attempt.id, grant = %claimed.before.id, provider = %claimed.before.key.provider,
            "an answer is late; it is still read"
        );
        let (grant, unknown) = (&claimed.before, ProviderFailure::of(FailureKind::Uncertain));
        self.gates.heard(&grant.key, &grant.registration, Some(&unknown), self.clock.now(), self.draw());
        let let_go = async {
            // What is not sent yet is not in doubt: it stays open until it is, or until it provably will not be.
            if waiting.sent_at.get().is_some() {
                self.hand_over(claimed, provider, lease.take()).await;
            }
            self.cache.forget(&claimed.before.key);
            waiting.landing.land(Rotated::StillRunning);
        };
        let ((), presented) = tokio::join!(let_go, presenting);
        presented
    }

    /// Closes the attempt as `reading_late` where presenting the token again harms nothing.
    async fn hand_over(&self, claimed: &ClaimedRefresh, provider: &dyn ProviderClient, lease: Option<Lease>) {
        let mode = provider.profile().rotation;
        if let RotationMode::SingleUse(_) = mode {
            return self.give_back_lease(lease).await;
        }
        let now = self.clock.now();
        let circumstances = Circumstances {
            before: &claimed.before,
            mode,
            sent_at: Some(now),
            now,
            breaker_open: false,
            registration_works: false,
            another_secret: false,
            draw: self.draw(),
        };
        let unknown = ProviderFailure::of(FailureKind::Uncertain);
        let end = AttemptEnd {
            conclusion: "reading_late",
            grant: Some(conclude(&unknown, circumstances, &self.timing).after),
            ..AttemptEnd::without_grant(&claimed.attempt, now)
        };
        if let Err(error) = self.close(&end).await {
            let error = chain(&error);
            tracing::error!(attempt = %claimed.attempt.id, error, "a late attempt could not be handed over");
        }
        self.give_back_lease(lease).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_is_divided_into_three_tries() {
        let timing = Timing::default();
        let grace = |seconds| RotationMode::Grace(Duration::from_secs(seconds));
        assert_eq!(deadline(grace(30), &timing), Duration::from_secs(10));
        assert_eq!(deadline(grace(600), &timing), timing.attempt_budget);
        assert_eq!(deadline(RotationMode::Reusable, &timing), timing.attempt_budget);
    }
}
