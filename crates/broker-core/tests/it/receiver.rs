//! A receiver of webhooks that follows a script; at its end, it accepts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use broker_core::EventType;
use broker_core::ports::{Delivery, DeliveryRefusal, WebhookSender};
use broker_core::testing::ManualClock;

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) url: String,
    pub(crate) sequence: u64,
    pub(crate) event_type: EventType,
    /// What each secret makes of the same message.
    pub(crate) signatures: Vec<String>,
}

/// What it does with the next delivery.
enum Step {
    Accept,
    Refuse(DeliveryRefusal),
    /// Whoever delivers dies, and the receiver has accepted.
    Die,
}

#[derive(Default)]
pub(crate) struct FakeReceiver {
    script: Mutex<VecDeque<Step>>,
    refuses: Mutex<Option<DeliveryRefusal>>,
    slow: Mutex<Option<(Arc<ManualClock>, Duration)>>,
    received: Mutex<Vec<Received>>,
}

impl FakeReceiver {
    /// Does not accept what comes next.
    pub(crate) fn will_refuse(&self, refusal: DeliveryRefusal) {
        self.script.lock().unwrap().push_back(Step::Refuse(refusal));
    }

    /// Takes so long for each, by that clock.
    pub(crate) fn takes(&self, clock: &Arc<ManualClock>, long: Duration) {
        *self.slow.lock().unwrap() = Some((clock.clone(), long));
    }

    /// Whether it refuses everything, once the script is at its end.
    pub(crate) fn refuses(&self, refusal: Option<DeliveryRefusal>) {
        *self.refuses.lock().unwrap() = refusal;
    }

    /// Accepts what comes next, and not what comes after it.
    pub(crate) fn will_refuse_after_one(&self, refusal: DeliveryRefusal) {
        self.script.lock().unwrap().extend([Step::Accept, Step::Refuse(refusal)]);
    }

    /// Who delivers the next one dies of it.
    pub(crate) fn will_die(&self) {
        self.script.lock().unwrap().push_back(Step::Die);
    }

    /// What came since this was last asked.
    pub(crate) fn taken(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }

    /// The places of what came since.
    pub(crate) fn places(&self) -> Vec<u64> {
        self.taken().into_iter().map(|received| received.sequence).collect()
    }
}

#[async_trait]
impl WebhookSender for FakeReceiver {
    fn check_url(&self, url: &str) -> Result<(), String> {
        if url.starts_with("https://") { Ok(()) } else { Err("must begin with https://".to_owned()) }
    }

    fn longest(&self) -> Duration {
        Duration::from_secs(15)
    }

    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), DeliveryRefusal> {
        self.received.lock().unwrap().push(Received {
            url: delivery.url.to_owned(),
            sequence: delivery.event.sequence,
            event_type: delivery.event.event_type,
            signatures: delivery.secrets.iter().map(|secret| secret.sign("id", 0, b"body")).collect(),
        });
        if let Some((clock, long)) = &*self.slow.lock().unwrap() {
            clock.advance(*long);
        }
        let step = self.script.lock().unwrap().pop_front();
        match step {
            None => self.refuses.lock().unwrap().map_or(Ok(()), Err),
            Some(Step::Accept) => Ok(()),
            Some(Step::Refuse(refusal)) => Err(refusal),
            Some(Step::Die) => panic!("the process dies"),
        }
    }
}
