//! What the answer to a poll makes of its device authorization (RFC 8628 §3.5).

use std::time::Duration;

use broker_crypto::TenantKeys;

use super::exchange::log_failure;
use crate::ports::{AfterPoll, AttemptEnd, ClaimedPoll, PollEnd, PollRefusal};
use crate::rotation::{Answer, NotSent, RefusedClient};
use crate::{
    Actor, Attempt, AuditAction, Authorization, Broker, BrokerError, ClientRegistration, FailureKind,
    Polling, ProviderFailure, Timestamp,
};

/// What a poll without tokens comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Again(Polling),
    /// The same, and the answer may still come to light.
    InDoubt(Polling),
    Denied,
    Expired,
    Failed(FailureKind),
}

/// One pure decision. An answer that was lost may have been the one with the tokens, and then the provider knows the code
/// no more: what it says of the code is not the whole truth.
fn judge(
    refusal: PollRefusal,
    failure: &ProviderFailure,
    polling: Polling,
    now: Timestamp,
    longest: Duration,
) -> Verdict {
    match (refusal, failure.kind) {
        (PollRefusal::Pending, _) => Verdict::Again(polling.answered(now)),
        (PollRefusal::SlowDown, _) => Verdict::Again(polling.slowed_down(now)),
        (PollRefusal::Denied, _) => Verdict::Denied,
        (PollRefusal::Expired, _) | (PollRefusal::Other, FailureKind::DeadToken | FailureKind::Refused)
            if polling.answer_lost =>
        {
            Verdict::Failed(FailureKind::Uncertain)
        }
        (PollRefusal::Expired, _) => Verdict::Expired,
        (PollRefusal::Other, FailureKind::Uncertain) => Verdict::InDoubt(polling.lost(now, longest)),
        (PollRefusal::Other, FailureKind::Throttled | FailureKind::Unreachable | FailureKind::Internal) => {
            let wait = failure.retry_after.unwrap_or_default();
            Verdict::Again(polling.unanswered(now, longest).not_before(now + wait))
        }
        (
            PollRefusal::Other,
            kind @ (FailureKind::DeadToken
            | FailureKind::Refused
            | FailureKind::ClientRejected
            | FailureKind::UnlabelledRefusal),
        ) => Verdict::Failed(kind),
    }
}

/// Not later than its codes lapse, however long the provider wants to be left alone: then it is forgotten.
fn again(polling: Polling, authorization: &Authorization, keeps_attempt: bool) -> AfterPoll {
    let next_at = polling.next_at.min(authorization.expires_at);
    AfterPoll::Again { polling: Polling { next_at, ..polling }, keeps_attempt }
}

impl Broker {
    pub(super) async fn settle_poll(
        &self,
        claimed: &ClaimedPoll,
        registration: &ClientRegistration,
        answer: Answer,
        keys: &TenantKeys,
    ) -> Result<(), BrokerError> {
        let ClaimedPoll { attempt, authorization, device } = claimed;
        match answer {
            Answer::Tokens(mut tokens) => {
                let profile = self.provider(&attempt.key.provider)?.profile();
                self.tell_gate_of_poll(attempt, None);
                let window = registration.window(profile);
                let outcome = self.begin_lineage(authorization, attempt, &mut tokens, window, keys).await?;
                self.note_secret_accepted(registration).await;
                self.cache.forget(&attempt.key);
                tracing::info!(
                    attempt = %attempt.id, grant = %attempt.grant_id(), tenant = %attempt.key.tenant,
                    provider = %attempt.key.provider, ?outcome, "a poll brought tokens"
                );
                Ok(())
            }
            Answer::NotSent(NotSent::Unreachable) => {
                let failure = ProviderFailure::of(FailureKind::Unreachable);
                self.settle_refused_poll(claimed, registration, &failure).await
            }
            Answer::NotSent(_) => self.give_back_poll(attempt, authorization, device.polling).await,
            Answer::Failed(failure, _) => self.settle_refused_poll(claimed, registration, &failure).await,
        }
    }

    async fn settle_refused_poll(
        &self,
        claimed: &ClaimedPoll,
        registration: &ClientRegistration,
        failure: &ProviderFailure,
    ) -> Result<(), BrokerError> {
        let ClaimedPoll { attempt, authorization, device } = claimed;
        let provider = self.provider(&attempt.key.provider)?;
        let refusal = provider.poll_refusal(failure);
        if refusal == PollRefusal::Other {
            self.tell_gate_of_poll(attempt, Some(failure));
            log_failure(attempt, failure);
        } else {
            // What it said of the user is no failure: it answers.
            self.tell_gate_of_poll(attempt, None);
        }
        let refused = self.refused_client(attempt, registration, failure).await?;
        let now = self.clock.now();
        let mut verdict = judge(refusal, failure, device.polling, now, self.timing.retry_cap);
        if refused == Some(RefusedClient::TriesNextSecret) {
            verdict = Verdict::Again(device.polling.unanswered(now, device.polling.interval));
        }
        let mut end = self.poll_end(attempt, authorization, verdict, failure.kind.as_str());
        end.end.provably_unsent = failure.kind == FailureKind::Unreachable;
        end.end.pause_registration_until = refused.and_then(RefusedClient::rests_until);
        end.end.refused_secret = refused.and(registration.secret_to_try()).map(|secret| secret.id);
        self.end_poll(&end).await
    }

    /// Nothing was sent, or nobody can say what became of it.
    pub(super) async fn give_back_poll(
        &self,
        attempt: &Attempt,
        authorization: &Authorization,
        polling: Polling,
    ) -> Result<(), BrokerError> {
        let again = Verdict::Again(polling.unanswered(self.clock.now(), self.timing.retry_cap));
        self.end_poll(&self.poll_end(attempt, authorization, again, "unsent")).await
    }

    /// Settles the attempt of a dead broker to poll, if it is one: then the authorization is polled again. `false`: it is
    /// not, or there is nothing to poll for any more.
    pub(crate) async fn settle_orphaned_poll(
        &self,
        attempt: &Attempt,
        name: &'static str,
    ) -> Result<bool, BrokerError> {
        let Some(id) = attempt.authorization() else { return Ok(false) };
        let tenant = &attempt.key.tenant;
        let found = self.persist(|| self.consents.device_authorization(tenant, id)).await?;
        let Some(device) = found else { return Ok(false) };
        let found = self.persist(|| self.consents.authorization(tenant, id)).await?;
        let Some(authorization) = found else { return Ok(false) };
        let (now, longest) = (self.clock.now(), device.polling.interval);
        let verdict = match attempt.sent_at {
            Some(_) => Verdict::InDoubt(device.polling.lost(now, longest)),
            None => Verdict::Again(device.polling.unanswered(now, longest)),
        };
        self.end_poll(&self.poll_end(attempt, &authorization, verdict, name)).await?;
        Ok(true)
    }

    fn poll_end(
        &self,
        attempt: &Attempt,
        authorization: &Authorization,
        verdict: Verdict,
        name: &'static str,
    ) -> PollEnd {
        let now = self.clock.now();
        let (after, how, failure) = match verdict {
            Verdict::Again(polling) => (again(polling, authorization, false), "pending", None),
            Verdict::InDoubt(polling) => (again(polling, authorization, true), "pending", None),
            Verdict::Denied => (AfterPoll::Denied, "denied", None),
            Verdict::Expired => (AfterPoll::Expired, "expired", None),
            Verdict::Failed(kind) => (AfterPoll::Failed, "failed", Some(kind.as_str())),
        };
        let record = authorization.record(&Actor::broker(AuditAction::END_DEVICE_AUTHORIZATION), now);
        PollEnd {
            end: AttemptEnd {
                conclusion: name,
                authorization_failure: failure,
                reopens_authorization: failure.is_none(),
                ..AttemptEnd::without_grant(attempt, now)
            },
            record: record.resource(format!("{} {how}", authorization.resource())),
            after,
        }
    }

    async fn end_poll(&self, end: &PollEnd) -> Result<(), BrokerError> {
        let ended = self.persist(|| self.consents.end_poll(end)).await?;
        let waits = matches!(end.after, AfterPoll::Again { keeps_attempt: false, .. });
        if ended && !waits {
            self.tally.count(&end.end.attempt.key.provider, end.end.conclusion);
            self.tell_closed(&end.end);
        }
        Ok(())
    }

    fn tell_gate_of_poll(&self, attempt: &Attempt, failure: Option<&ProviderFailure>) {
        self.gates.heard(&attempt.key, &attempt.registration, failure, self.clock.now(), self.draw());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
    const LONGEST: Duration = Duration::from_secs(300);

    fn polling(answer_lost: bool) -> Polling {
        Polling { answer_lost, ..Polling::first(Duration::from_secs(5), NOW) }
    }

    fn judged(refusal: PollRefusal, kind: FailureKind, answer_lost: bool) -> Verdict {
        judge(refusal, &ProviderFailure::of(kind), polling(answer_lost), NOW, LONGEST)
    }

    #[test]
    fn what_rfc_8628_says_comes_first() {
        use FailureKind::{Refused, Throttled};
        assert_eq!(judged(PollRefusal::Pending, Refused, true), Verdict::Again(polling(false)));
        let slower = Polling { interval: Duration::from_secs(10), ..polling(false).slowed_down(NOW) };
        assert_eq!(judged(PollRefusal::SlowDown, Throttled, false), Verdict::Again(slower));
        assert_eq!(judged(PollRefusal::Denied, Refused, true), Verdict::Denied);
        assert_eq!(judged(PollRefusal::Expired, Refused, false), Verdict::Expired);
    }

    #[test]
    fn a_code_that_is_gone_after_a_lost_answer_may_have_brought_tokens() {
        let unknown = Verdict::Failed(FailureKind::Uncertain);
        assert_eq!(judged(PollRefusal::Expired, FailureKind::Refused, true), unknown);
        for kind in [FailureKind::DeadToken, FailureKind::Refused] {
            assert_eq!(judged(PollRefusal::Other, kind, true), unknown);
            assert_eq!(judged(PollRefusal::Other, kind, false), Verdict::Failed(kind));
        }
    }

    #[test]
    fn silence_is_no_end() {
        let lost = polling(false).lost(NOW, LONGEST);
        assert_eq!(judged(PollRefusal::Other, FailureKind::Uncertain, false), Verdict::InDoubt(lost));
        for kind in [FailureKind::Throttled, FailureKind::Unreachable, FailureKind::Internal] {
            let again = polling(false).unanswered(NOW, LONGEST);
            assert_eq!(judged(PollRefusal::Other, kind, false), Verdict::Again(again));
        }
    }

    #[test]
    fn retry_after_is_obeyed() {
        let throttled = ProviderFailure {
            retry_after: Some(Duration::from_secs(90)),
            ..ProviderFailure::of(FailureKind::Throttled)
        };
        let verdict = judge(PollRefusal::Other, &throttled, polling(false), NOW, LONGEST);
        let Verdict::Again(again) = verdict else { panic!("{verdict:?}") };
        assert_eq!(again.next_at, NOW + Duration::from_secs(90));
    }
}
