//! A caller reports that a provider rejected a token: it is refreshed once, if that can help.

use std::sync::Arc;
use std::time::Duration;

use super::rejections::Waiting;
use super::{HeldGrant, VendRequest, Vended, Vendor, refusal};
use crate::rotation::Trigger;
use crate::{BrokerError, FieldViolation, Generation, Grant, GrantKey, Lifecycle, Permit, Timestamp};

/// A younger token is not refreshed: its rejection has another cause, or the API has not heard of it yet.
const TOO_YOUNG: Duration = Duration::from_secs(30);

/// The one status that is about the token itself (RFC 6750 §3.1).
const UNAUTHORIZED: u16 = 401;

/// Reports that a provider's API rejected a token.
#[derive(Debug, Clone)]
pub struct RejectedToken {
    /// Whose.
    pub key: GrantKey,
    /// The generation of the token.
    pub generation: Generation,
    /// The status that the API answered.
    pub http_status: u16,
    /// How long the caller waits; `None` for the default.
    pub wait: Option<Duration>,
    /// Leave of the caller to get the token to use now.
    pub permit: Permit,
}

/// What a report led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectedTokenOutcome {
    /// The token was refreshed, because of this report or of another one of the same generation.
    Refreshed,
    /// A newer generation was current already.
    AlreadyReplaced,
    /// The token is too young, or reports of the grant are backing off.
    TooSoon,
    /// The status was not 401.
    NotATokenError,
    /// A refresh was due, and brought no newer token.
    RefreshFailed,
}

impl Vendor {
    /// Answers the token to use instead of a rejected one, and what the report led to. However many callers report one
    /// generation, it is refreshed once.
    ///
    /// Fails as [`Vendor::vend`] does, and with `InvalidRequest` for a generation that does not exist yet.
    pub async fn report_rejected(
        &self,
        report: &RejectedToken,
    ) -> Result<(Vended, RejectedTokenOutcome), BrokerError> {
        let now = self.clock.now();
        let profile = self.profile(&report.key.provider)?;
        let held = self.holding(report).await?;
        report.permit.extends_to_scopes(&report.key, &held.grant.scopes)?;
        if held.grant.lifecycle.is_revoked() {
            return Err(refusal(&held.grant, now, self.timing.retry_base));
        }
        let request = report.request();
        let _waiting = match self.refresh_of(report, &held.grant, now) {
            Ok(waiting) => waiting,
            Err(outcome) => return Ok((self.vend(&request).await?, outcome)),
        };
        self.noted.asked(&report.key, now);
        let vended = self.vend_refreshed(&request, held, profile, now).await?;
        match vended.grant.grant.generation > report.generation {
            true => Ok((vended, RejectedTokenOutcome::Refreshed)),
            false => Ok((vended, RejectedTokenOutcome::RefreshFailed)),
        }
    }

    /// The grant, read again where the caller knows of a newer token set than is remembered here.
    async fn holding(&self, report: &RejectedToken) -> Result<HeldGrant, BrokerError> {
        let held = self.vendable(&report.key).await?;
        if held.grant.generation >= report.generation {
            return Ok(held);
        }
        self.cache.doubt(held.row());
        let held = self.vendable(&report.key).await?.not_blind()?;
        match held.grant.generation >= report.generation {
            true => Ok(held),
            false => {
                let problem = format!("is above the current one, which is {}", held.grant.generation.get());
                Err(BrokerError::InvalidRequest(vec![FieldViolation::new("generation", problem)]))
            }
        }
    }

    /// Begins a refresh because of the report, or joins the one that runs; held while the report waits for it. Else why
    /// there is none.
    fn refresh_of(
        &self,
        report: &RejectedToken,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<Arc<Waiting>, RejectedTokenOutcome> {
        if report.http_status != UNAUTHORIZED {
            return Err(RejectedTokenOutcome::NotATokenError);
        }
        if grant.generation > report.generation {
            return Err(RejectedTokenOutcome::AlreadyReplaced);
        }
        // What ran here may be over because another replica refreshes: then those before still wait.
        if let Some(waiting) = self.rejections.waited_for(grant.id, grant.generation) {
            return Ok(waiting);
        }
        if self.refresher.running(grant.id).is_some() {
            return Ok(self.rejections.wait_for(grant.id, grant.generation));
        }
        if now < grant.issued_at + TOO_YOUNG {
            return Err(RejectedTokenOutcome::TooSoon);
        }
        let admitted = self.rejections.admit(grant.id, grant.generation, now, || self.begin(grant, now));
        admitted.ok_or(RejectedTokenOutcome::TooSoon)
    }

    /// Begins a refresh where one can be begun. Whoever waits joins it.
    fn begin(&self, grant: &Grant, now: Timestamp) {
        if grant.lifecycle == Lifecycle::Active && grant.refreshable && grant.paused_until(now).is_none() {
            drop(self.refresher.refresh(grant, Trigger::Report));
        }
    }
}

impl RejectedToken {
    /// Asks for whatever token there is: the report alone decides about a refresh.
    fn request(&self) -> VendRequest {
        VendRequest {
            key: self.key.clone(),
            min_validity: Duration::ZERO,
            required_scopes: Vec::new(),
            wait: self.wait,
            permit: self.permit.clone(),
        }
    }
}
