//! Those who watch, each on a stream of its own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use broker_e2e::Client;
use broker_e2e::bench::{Token, key};
use broker_proto::v1::watch_access_tokens_response::Update;
use provider_sim::Clock;
use tokio::task::JoinSet;

/// Open streams. They end when this is dropped.
pub(crate) struct Listeners {
    streams: JoinSet<Result<()>>,
    heard: Arc<Heard>,
}

/// What they have heard.
#[derive(Default)]
struct Heard {
    open: AtomicUsize,
    /// Each token that came after the first of its stream, and when, in microseconds since 1970.
    told: Mutex<Vec<(Token, u64)>>,
}

impl Listeners {
    /// Opens a stream for each of these grants, and waits until each has its first message.
    pub(crate) async fn open(
        address: SocketAddr,
        grants: &[usize],
        connections: usize,
        clock: &Clock,
    ) -> Result<Self> {
        let mut listeners = Self { streams: JoinSet::new(), heard: Arc::default() };
        for some in grants.chunks(grants.len().div_ceil(connections.max(1)).max(1)) {
            let client = Client::connect(address).await;
            for grant in some {
                let listening = listen(client.clone(), *grant, listeners.heard.clone(), clock.clone());
                listeners.streams.spawn(listening);
            }
        }
        super::turn::until("streams", || {
            listeners.check()?;
            Ok(listeners.heard.open.load(Relaxed) == grants.len())
        })
        .await?;
        Ok(listeners)
    }

    /// How many tokens they were told.
    pub(crate) fn told(&self) -> usize {
        self.heard.told.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What they were told since the last call, and when.
    pub(crate) fn take(&self) -> Vec<(Token, u64)> {
        std::mem::take(&mut self.heard.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fails if a stream has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.streams.try_join_next() {
            Some(ended) => ended?.context("a stream failed"),
            None => Ok(()),
        }
    }
}

async fn listen(client: Client, grant: usize, heard: Arc<Heard>, clock: Clock) -> Result<()> {
    let opened = client.watch(&[key(grant)]).await;
    let mut stream = opened.map_err(|error| anyhow!("WatchAccessTokens: {error}"))?;
    ensure!(stream.message().await?.is_some(), "a stream without a message");
    heard.open.fetch_add(1, Relaxed);
    while let Some(message) = stream.message().await? {
        let at = clock.micros();
        if let Some(Update::Token(token)) = message.update {
            // Generation 1 came with the consent.
            let token = Token { grant, rotations: token.generation - 1 };
            heard.told.lock().unwrap_or_else(PoisonError::into_inner).push((token, at));
        }
    }
    bail!("the server ended it")
}
