//! A grant that lives for weeks in simulated time, and whoever uses it.

use std::time::Duration;

use broker_e2e::house::Plan;
use broker_e2e::{House, Provider};
use broker_proto::v1::{GrantKey, GrantState};

use super::told::Told;
use super::{DAY, HOUR, seconds};

/// No step is longer: to the broker it is as if its machine had slept so long.
const STEP: Duration = DAY;

/// Whoever uses a grant does so at least so often.
const USED_EVERY: Duration = HOUR.saturating_mul(12);

pub(super) struct Life {
    pub(super) house: House,
    pub(super) key: GrantKey,
    pub(super) told: Told,
    /// When the user consented last, by the broker's clock in seconds.
    pub(super) consented: i64,
    /// How often whoever uses it had to come again.
    pub(super) waits: usize,
    pub(super) provider: Provider,
    /// The end of an authorization comes so long after its consent, if it has one.
    pub(super) window: Option<Duration>,
    used: bool,
}

impl Life {
    /// A user who consents at this provider, in a house whose scheduler is at work.
    pub(super) async fn begin(plan: Plan, provider: Provider, window: Option<Duration>) -> Self {
        let house = plan.scheduler().open().await;
        let told = Told::by(&house.client).await;
        let key = house.key(provider, "ada");
        Self { house, key, told, consented: 0, waits: 0, provider, used: false, window }
    }

    /// The same, whose grant is asked for all the time.
    pub(super) fn used(self) -> Self {
        Self { used: true, ..self }
    }

    /// Nobody asks for it any more.
    pub(super) fn unused(self) -> Self {
        Self { used: false, ..self }
    }

    /// The user consents, for the first time or anew.
    pub(super) async fn consent(&mut self) {
        // What was told at this very instant belongs to the consent before.
        self.house.clock.advance(Duration::from_secs(2));
        self.consented = self.house.clock.seconds();
        self.house.consent(self.provider, "ada").await;
        self.settle().await;
    }

    /// Lets so much time pass, from one thing that is due to the next.
    pub(super) async fn pass(&mut self, span: Duration) {
        let until = self.house.clock.seconds() + seconds(span);
        while self.house.clock.seconds() < until {
            let next = self.next_stop(until).await;
            self.house
                .clock
                .advance(Duration::from_secs(u64::try_from(next - self.house.clock.seconds()).unwrap()));
            self.settle().await;
            if self.used {
                self.use_it().await;
            }
        }
    }

    /// The broker is away for so long, and comes back.
    pub(super) async fn pass_without_a_broker(&mut self, span: Duration) {
        self.house.stop().await;
        self.house.clock.advance(span);
        self.house.restart().await;
        self.told.go_on(&self.house.client).await;
        self.settle().await;
    }

    /// While the grant lives there is a token, at once or when the broker says, and the provider takes it.
    async fn use_it(&mut self) {
        if self.grant().await.state() != GrantState::Active {
            return;
        }
        let mut answer = self.vend().await;
        if let Some(delay) = answer.as_ref().err().and_then(|error| error.retry_delay()) {
            self.waits += 1;
            self.house.clock.advance(delay);
            self.settle().await;
            answer = self.vend().await;
        }
        let token = answer.unwrap();
        assert_eq!(self.house.api_status(self.provider, &token).await, 200);
    }

    async fn next_stop(&self, until: i64) -> i64 {
        let now = self.house.clock.seconds();
        // A whole second more: times of the contract are cut to seconds here.
        let due = self.grant().await.next_refresh_time.map(|due| due.seconds + 1);
        let step = now + seconds(if self.used { USED_EVERY } else { STEP });
        let stops = due.into_iter().chain(self.notice_times().map(|at| at + 1)).chain([step, until]);
        stops.filter(|stop| *stop > now).min().unwrap()
    }
}
