//! The breaker of a whole provider: when many grants die at once, it is the provider that is ill (rule 10).

use std::time::Duration;

use crate::error::chain;
use crate::ports::{BadAnswers, OpenBreaker};
use crate::{
    Actor, AuditAction, AuditRecord, BreakerStanding, BreakerState, Broker, ProviderName, Timestamp,
};

const WINDOW: Duration = Duration::from_secs(5 * 60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const DEAD_TOKENS: u64 = 20;
const TENANTS: u64 = 5;
const TIMES_THE_DAILY_RATE: u64 = 10;
const UNREADABLE: u64 = 5;
/// Suspects that must refresh before the provider is believed again.
const CANARIES: u32 = 5;
const QUIET: Duration = Duration::from_secs(15 * 60);

/// Whether so many bad answers are the provider's illness rather than users leaving.
fn is_an_outbreak(bad: &BadAnswers) -> bool {
    let windows_of_a_day = DAY.as_secs() / WINDOW.as_secs();
    let earlier = bad.dead_tokens_before.saturating_sub(bad.dead_tokens);
    let wave = bad.dead_tokens >= DEAD_TOKENS
        && bad.tenants >= TENANTS
        && bad.dead_tokens * windows_of_a_day > TIMES_THE_DAILY_RATE * earlier
        && bad.dead_tokens * 50 > bad.attempts;
    wave || bad.unreadable >= UNREADABLE
}

/// Whether an open breaker has reason to close.
fn is_over(open: &OpenBreaker, now: Timestamp) -> bool {
    open.suspects_refreshed >= CANARIES || now.since(open.last_bad_at) >= QUIET
}

/// An open breaker as operators see it.
pub(crate) fn standing(open: &OpenBreaker) -> BreakerStanding {
    let note = format!(
        "many grants were refused at once; it closes after {CANARIES} suspects were refreshed ({} so far), or after {} \
         quiet minutes",
        open.suspects_refreshed,
        QUIET.as_secs() / 60
    );
    BreakerStanding {
        state: BreakerState::Open,
        opened_at: Some(open.opened_at),
        retry_at: Some(open.last_bad_at + QUIET),
        note,
    }
}

impl Broker {
    /// After an answer that counts against the provider. Best effort: a store that is away is asked again at the next.
    pub(crate) async fn note_bad_answer(&self, provider: &ProviderName) {
        if let Err(error) = self.try_note_bad_answer(provider).await {
            tracing::warn!(%provider, error = chain(&error), "bad answers of a provider could not be counted");
        }
    }

    async fn try_note_bad_answer(&self, provider: &ProviderName) -> Result<(), crate::ports::StoreError> {
        let now = self.clock.now();
        let was_open = self.fleet.breaker_is_open(provider);
        if !was_open {
            let bad = self.fleet_store.bad_answers(provider, now - WINDOW, now - DAY).await?;
            if !is_an_outbreak(&bad) {
                return Ok(());
            }
            tracing::error!(
                %provider, ?bad,
                "provider.degraded: it refuses many grants at once; none is given up until it recovers"
            );
        }
        self.fleet_store.note_bad_answer(provider, now).await?;
        self.read_breakers().await
    }

    /// A suspect was refreshed: if its provider's breaker is open, that speaks for the provider.
    pub(crate) async fn note_suspect_refreshed(&self, provider: &ProviderName) {
        if !self.fleet.breaker_is_open(provider) {
            return;
        }
        let noted = async {
            self.fleet_store.note_suspect_refreshed(provider).await?;
            self.read_breakers().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%provider, error = chain(&error), "a refreshed suspect could not be counted");
        }
    }

    /// Closes a provider's breaker by an operator's word. Answers whether it was open.
    pub async fn close_breaker(
        &self,
        provider: &ProviderName,
        by: &Actor,
    ) -> Result<bool, crate::BrokerError> {
        let record = breaker_record(provider, by, self.clock.now());
        let was_open = self.fleet_store.close_breaker(provider, &record).await?;
        self.read_breakers().await?;
        Ok(was_open)
    }

    /// Learns which breakers are open, and closes those that have reason to.
    pub(crate) async fn read_breakers(&self) -> Result<(), crate::ports::StoreError> {
        let now = self.clock.now();
        let (over, open): (Vec<_>, Vec<_>) =
            self.fleet_store.open_breakers().await?.into_iter().partition(|open| is_over(open, now));
        for breaker in over {
            let record = breaker_record(&breaker.provider, &Actor::broker(AuditAction::CLOSE_BREAKER), now);
            self.fleet_store.close_breaker(&breaker.provider, &record).await?;
            tracing::warn!(provider = %breaker.provider, "provider.recovered: its refusals are believed again");
        }
        self.fleet.set_breakers(open.into_iter().map(|open| open.provider).collect());
        Ok(())
    }
}

fn breaker_record(provider: &ProviderName, by: &Actor, at: Timestamp) -> AuditRecord {
    by.did(None, at).at_provider(provider).resource(format!("breakers/{provider}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave() -> BadAnswers {
        BadAnswers { dead_tokens: 20, tenants: 5, dead_tokens_before: 20, unreadable: 0, attempts: 999 }
    }

    #[test]
    fn a_wave_over_many_tenants_far_above_the_daily_rate_is_an_outbreak() {
        assert!(is_an_outbreak(&wave()));
        for calm in [
            BadAnswers { dead_tokens: 19, ..wave() },
            BadAnswers { tenants: 4, ..wave() },
            BadAnswers { attempts: 1000, ..wave() },
            BadAnswers { dead_tokens_before: 20 + 576, ..wave() },
        ] {
            assert!(!is_an_outbreak(&calm), "{calm:?}");
        }
        assert!(is_an_outbreak(&BadAnswers { dead_tokens_before: 20 + 575, ..wave() }));
    }

    #[test]
    fn a_handful_of_unreadable_answers_is_one_too() {
        let unreadable = |count| BadAnswers { unreadable: count, ..BadAnswers::default() };
        assert!(is_an_outbreak(&unreadable(5)) && !is_an_outbreak(&unreadable(4)));
    }

    #[test]
    fn it_is_over_after_five_suspects_or_a_quiet_quarter_of_an_hour() {
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        let open = |suspects, quiet: u64| OpenBreaker {
            provider: ProviderName::new("p").unwrap(),
            opened_at: now - DAY,
            last_bad_at: now - Duration::from_secs(quiet),
            suspects_refreshed: suspects,
        };
        assert!(!is_over(&open(4, 899), now));
        assert!(is_over(&open(5, 0), now) && is_over(&open(0, 900), now));
    }
}
