//! Telling that grants will die of the end of their authorization, before it comes; and ending those that nothing else
//! ends.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::{AtRiskFilter, DueNotice, News, Notice, StoreError, Wakeup};
use crate::schedule::{Ending, NoticeStep, notice_step};
use crate::{Actor, AuditAction, Broker, BrokerError, ConsentCause, Generation, Grant, Timestamp};

/// Due notices are looked for once in so many ticks.
const TICKS: u32 = 10;

/// So many are read at once.
const PAGE: u32 = 500;

impl Broker {
    /// Gives the notices that are due, until `stop`. Every replica may run it: each notice is given once.
    pub async fn run_notices(self: Arc<Self>, stop: CancellationToken) {
        loop {
            if let Err(error) = self.give_notices().await {
                tracing::warn!(error = chain(&error), "notices of grants that expire could not be given");
            }
            let next = self.clock.now() + TICKS * self.timing.tick;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    /// Gives every notice that is due now, and gives up who has ended with its access token. Answers how many grants that
    /// were.
    ///
    /// Does nothing while this replica must not claim: its clock may be wrong, and an end cannot be taken back.
    pub async fn give_notices(&self) -> Result<u64, StoreError> {
        if self.fleet.barred().is_some() {
            return Ok(0);
        }
        let mut given = 0;
        loop {
            let now = self.clock.now();
            let due = self.scheduler.due_notices(now, PAGE).await?;
            for notice in &due {
                given += u64::from(match ends_with_token_now(notice, now) {
                    true => self.end_with_token(notice, now).await?,
                    false => self.give_notice(notice, now).await?,
                });
            }
            if due.len() < PAGE as usize {
                return Ok(given);
            }
        }
    }

    /// A page of a tenant's grants that die by a time, the earliest first.
    pub async fn at_risk_grants(&self, filter: &AtRiskFilter) -> Result<Vec<Grant>, BrokerError> {
        self.tenants.tenant(&filter.tenant).await?.ok_or(BrokerError::TenantNotFound)?;
        Ok(self.scheduler.at_risk_grants(filter).await?)
    }

    /// Whether a notice was given: none is due any more where another replica was faster, or where notices were
    /// configured anew.
    async fn give_notice(&self, due: &DueNotice, now: Timestamp) -> Result<bool, StoreError> {
        let ending = Ending {
            consented_at: due.consented_at,
            ends_at: due.authorization_ends_at,
            noticed: due.noticed,
        };
        let NoticeStep { give, next } = notice_step(&self.timing.expiry_notices, ending, now);
        let next = next.or(end_to_come(due, now));
        let Some(before_end) = give.filter(|_| due.is_active) else {
            self.scheduler.put_off_notice(due, next).await?;
            return Ok(false);
        };
        let notice = Notice { due: due.clone(), before_end, next_at: next, at: now };
        let record = Actor::broker(AuditAction::ANNOUNCE_EXPIRY)
            .did(Some(&due.key.tenant), now)
            .about(&due.key)
            .resource(format!("notices/{}s", before_end.as_secs()));
        let given = self.scheduler.give_notice(&notice, &record).await?;
        if given {
            tracing::info!(
                grant = %due.key.grant_id(), tenant = %due.key.tenant, provider = %due.key.provider,
                ends_at = %due.authorization_ends_at, "a grant expires soon: its user must consent again"
            );
        }
        Ok(given)
    }

    /// Whether it was given up: a new consent may have come, or another replica been faster.
    async fn end_with_token(&self, due: &DueNotice, now: Timestamp) -> Result<bool, StoreError> {
        let record = Actor::broker(AuditAction::NEED_CONSENT)
            .did(Some(&due.key.tenant), now)
            .about(&due.key)
            .resource(ConsentCause::NoOfflineAccess.as_str());
        let ended = self.scheduler.end_with_token(due, now, &record).await?;
        if ended {
            self.cache.forget(&due.key);
            let (grant, generation) = (due.key.grant_id(), Generation::NONE);
            self.announce(Wakeup { grant, generation, news: News::Answered });
            tracing::info!(
                grant = %due.key.grant_id(), tenant = %due.key.tenant, provider = %due.key.provider,
                "a grant without a refresh token has ended with its access token: its user must consent again"
            );
        }
        Ok(ended)
    }
}

fn ends_with_token_now(due: &DueNotice, now: Timestamp) -> bool {
    due.is_active && !due.refreshable && due.authorization_ends_at <= now
}

/// When a grant without a refresh token is to be given up.
fn end_to_come(due: &DueNotice, now: Timestamp) -> Option<Timestamp> {
    let ends_with_token = due.is_active && !due.refreshable;
    Some(due.authorization_ends_at).filter(|end| ends_with_token && *end > now)
}
