//! The connection for commands: one, multiplexed, opened when needed and thrown away at its first failure.
//!
//! A driver that reconnects by itself keeps a connection whose answers time out. After a failover without a reset that
//! connection is dead for as long as TCP retransmits, so nothing that failed is trusted again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use broker_core::Clock;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::time::timeout;

use crate::breaker::Breaker;
use crate::problem::Problem;
use crate::standing::{Part, Standing};

pub(crate) struct Link {
    client: Client,
    connecting: AsyncConnectionConfig,
    response_timeout: Duration,
    rest: Duration,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
    standing: Arc<Standing>,
    slot: Mutex<Slot>,
    /// Held by the one who opens a connection.
    opening: tokio::sync::Mutex<()>,
}

/// The present connection; the number tells it from earlier ones.
#[derive(Default)]
struct Slot {
    number: u64,
    connection: Option<MultiplexedConnection>,
}

impl Link {
    pub(crate) fn new(
        client: Client,
        config: &crate::RedisConfig,
        clock: Arc<dyn Clock>,
        standing: Arc<Standing>,
    ) -> Self {
        let connecting = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.connect_timeout))
            .set_response_timeout(Some(config.response_timeout));
        Self {
            client,
            connecting,
            response_timeout: config.response_timeout,
            rest: config.rest,
            breaker: Breaker::new(config.rest),
            clock,
            standing,
            slot: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// Runs `command`, whose round trips must all be over within the response timeout; at once an error while Redis
    /// rests. Whoever finds no connection waits for one no longer than the connect timeout.
    pub(crate) async fn run<T, F>(
        &self,
        command: impl FnOnce(MultiplexedConnection) -> F + Send,
    ) -> Result<T, Problem>
    where
        F: Future<Output = RedisResult<T>> + Send,
    {
        self.check_rest()?;
        let (number, connection) = self.connection(true).await?;
        self.judge(number, command(connection)).await
    }

    /// Asks whether Redis is back, again and again while commands fail.
    pub(crate) async fn heal(&self) {
        loop {
            if self.standing.commands_fail() {
                // What it finds is noted on the way.
                let _ = self.probe().await;
            }
            self.clock.sleep_until(self.clock.now() + self.rest).await;
        }
    }

    /// Redis was seen to be gone: the next command opens a connection of its own instead of failing on a dead one.
    pub(crate) fn distrust(&self) {
        self.slot().connection = None;
    }

    async fn probe(&self) -> Result<(), Problem> {
        let (number, mut connection) = self.connection(false).await?;
        let ping = async { redis::cmd("PING").exec_async(&mut connection).await };
        self.judge(number, ping).await
    }

    fn check_rest(&self) -> Result<(), Problem> {
        if self.breaker.is_open(self.clock.now()) { Err(Problem::Resting) } else { Ok(()) }
    }

    async fn connection(&self, obey_rest: bool) -> Result<(u64, MultiplexedConnection), Problem> {
        if let Some(present) = self.present() {
            return Ok(present);
        }
        let _opening = self.opening.lock().await;
        if let Some(present) = self.present() {
            return Ok(present);
        }
        if obey_rest {
            // The one before us at this lock failed to connect.
            self.check_rest()?;
        }
        let opened = self.client.get_multiplexed_async_connection_with_config(&self.connecting).await;
        let connection = opened.map_err(|error| self.failed(error.into()))?;
        Ok(self.keep(connection))
    }

    fn present(&self) -> Option<(u64, MultiplexedConnection)> {
        let slot = self.slot();
        slot.connection.clone().map(|connection| (slot.number, connection))
    }

    fn keep(&self, connection: MultiplexedConnection) -> (u64, MultiplexedConnection) {
        let mut slot = self.slot();
        *slot = Slot { number: slot.number + 1, connection: Some(connection.clone()) };
        (slot.number, connection)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn judge<T>(
        &self,
        number: u64,
        command: impl Future<Output = RedisResult<T>> + Send,
    ) -> Result<T, Problem> {
        let problem = match timeout(self.response_timeout, command).await {
            Ok(Ok(answer)) => {
                self.breaker.worked();
                self.standing.note(Part::Commands, None);
                return Ok(answer);
            }
            Ok(Err(error)) => error.into(),
            Err(_) => Problem::Timeout,
        };
        self.forget(number);
        Err(self.failed(problem))
    }

    fn forget(&self, number: u64) {
        let mut slot = self.slot();
        if slot.number == number {
            slot.connection = None;
        }
    }

    fn failed(&self, problem: Problem) -> Problem {
        self.breaker.failed(self.clock.now());
        self.standing.note(Part::Commands, Some(problem));
        problem
    }
}
