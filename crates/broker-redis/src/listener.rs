//! Hears what other replicas publish, over a connection of its own, and says so when something may have been missed.

use std::sync::Arc;
use std::time::Duration;

use broker_core::Clock;
use broker_core::ports::{CoordinationHealth, InProcessWakeups, Wakeups};
use futures_util::StreamExt;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, Msg, RedisResult};
use tokio::time::timeout;

use crate::link::Link;
use crate::message::{Origin, decode};
use crate::problem::Problem;
use crate::standing::{Part, Standing};
use crate::{RedisConfig, keys};

pub(crate) struct Listener {
    pub(crate) client: Client,
    pub(crate) config: RedisConfig,
    pub(crate) link: Arc<Link>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) origin: Origin,
    pub(crate) local: InProcessWakeups,
    pub(crate) standing: Arc<Standing>,
    pub(crate) health: Arc<CoordinationHealth>,
}

impl Listener {
    /// Subscribes again whenever the subscription is lost. While there is none, subscribers are told to look again at
    /// each attempt: nobody waits for a message that cannot come.
    pub(crate) async fn run(self) {
        loop {
            let problem = match self.subscribe().await {
                Ok(subscription) => {
                    self.standing.note(Part::Subscription, None);
                    self.local.tell_gap();
                    let lost = self.hear(subscription).await;
                    self.link.distrust();
                    self.health.count_wakeup_gap();
                    lost
                }
                Err(problem) => problem,
            };
            self.standing.note(Part::Subscription, Some(problem));
            self.local.tell_gap();
            self.pause(self.config.rest).await;
        }
    }

    async fn subscribe(&self) -> Result<(PubSubSink, PubSubStream), Problem> {
        let opening = async {
            let mut subscription = self.client.get_async_pubsub().await?;
            subscription.subscribe(keys::WAKEUPS).await?;
            Ok(subscription.split())
        };
        in_time(self.config.connect_timeout, opening).await
    }

    /// Passes messages on until the connection is lost.
    async fn hear(&self, (mut sink, mut messages): (PubSubSink, PubSubStream)) -> Problem {
        let mut beat_at = self.clock.now() + self.config.heartbeat;
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => self.pass_on(&message),
                    None => return Problem::Unreachable,
                },
                () = self.clock.sleep_until(beat_at) => {
                    let alive = in_time(self.config.response_timeout, sink.ping::<redis::Value>()).await;
                    if let Err(problem) = alive {
                        return problem;
                    }
                    beat_at = self.clock.now() + self.config.heartbeat;
                }
            }
        }
    }

    fn pass_on(&self, message: &Msg) {
        let text = message.get_payload::<String>().unwrap_or_default();
        match decode(&text) {
            Some((origin, wakeup)) if origin != self.origin => self.local.announce(wakeup),
            Some(_) => {}
            None => tracing::debug!("a wake-up of unknown form was not heard"),
        }
    }

    async fn pause(&self, span: Duration) {
        self.clock.sleep_until(self.clock.now() + span).await;
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> Result<T, Problem> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(Problem::from),
        Err(_) => Err(Problem::Timeout),
    }
}
