//! What to storm against, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::stores::{LeaseAt, StoreAt};

/// Kills replicas of the broker while they rotate, and judges what that cost
#[derive(Parser)]
#[command(name = "storm")]
pub(crate) struct Plan {
    /// The broker: a program that knows `serve`, `migrate` and `keys generate`
    #[arg(long)]
    pub(crate) broker: PathBuf,
    /// Where the replicas keep grants: private (a Postgres of the storm's own), the URL of an empty Postgres database, or
    /// sqlite (one replica only)
    #[arg(long, default_value = "private")]
    pub(crate) store: StoreAt,
    /// Where the replicas keep leases: private (a Redis of the storm's own), a Redis URL, or in-process [default:
    /// private; in-process where the store is sqlite]
    #[arg(long)]
    pub(crate) lease: Option<LeaseAt>,
    /// Processes that serve
    #[arg(long, default_value_t = 3)]
    pub(crate) replicas: usize,
    /// Grants, in equal parts at each kind of provider
    #[arg(long, default_value_t = 500)]
    pub(crate) grants: usize,
    /// How many processes to kill
    #[arg(long, default_value_t = 300)]
    pub(crate) kills: usize,
    /// What all random choices come from [default: drawn and printed]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Longest pause before a kill
    #[arg(long, default_value = "1200ms", value_parser = span)]
    pub(crate) kill_pause: Duration,
    /// Life of access tokens: whole seconds
    #[arg(long, default_value = "60s", value_parser = span)]
    pub(crate) token_life: Duration,
    /// Time a provider takes before it rotates, and again before it answers
    #[arg(long, default_value = "5ms", value_parser = span)]
    pub(crate) latency: Duration,
    /// Callers that vend all the time, per replica
    #[arg(long, default_value_t = 2)]
    pub(crate) callers: usize,
    /// Pause of a caller between two calls
    #[arg(long, default_value = "50ms", value_parser = span)]
    pub(crate) call_pause: Duration,
    /// A further key of [rotation] for every replica; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) rotation: Vec<(String, String)>,
    /// What the broker is told to do wrong (`TOKEN_BROKER_FAILPOINT`)
    #[arg(long)]
    pub(crate) failpoint: Option<String>,
    /// Succeed if and only if too many answers were lost between provider and escrow
    #[arg(long)]
    pub(crate) expect_red: bool,
    /// Write storm.json and storm.md into this directory
    #[arg(long)]
    pub(crate) report: Option<PathBuf>,
    /// Work in this directory and keep everything: stores, logs, frozen escrows [default: a temporary one]
    #[arg(long)]
    pub(crate) keep: Option<PathBuf>,
}

/// The times of the protocol, shrunk together.
pub(crate) struct Times {
    pub(crate) connect_timeout: Duration,
    pub(crate) provider_timeout: Duration,
    pub(crate) lease_ttl: Duration,
    pub(crate) orphan_wait: Duration,
    pub(crate) late_read: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) death_detection: Duration,
    pub(crate) escrow_wait: Duration,
    pub(crate) max_clock_skew: Duration,
    pub(crate) registration_pause: Duration,
    pub(crate) unlabelled_window: Duration,
    pub(crate) suspect_confirm_after: Duration,
    pub(crate) retry_base: Duration,
    pub(crate) retry_cap: Duration,
    pub(crate) probe_cap: Duration,
    pub(crate) tick: Duration,
}

impl Times {
    /// A fortieth of the defaults, or thereabouts; a busy machine still meets them.
    pub(crate) const SHRUNK: Self = Self {
        connect_timeout: Duration::from_millis(500),
        provider_timeout: Duration::from_millis(2_000),
        lease_ttl: Duration::from_millis(3_000),
        orphan_wait: Duration::from_millis(3_000),
        late_read: Duration::from_millis(3_000),
        heartbeat: Duration::from_millis(250),
        death_detection: Duration::from_millis(2_000),
        // Every replica comes back, with its escrow: nobody has to do without one.
        escrow_wait: Duration::from_secs(120),
        max_clock_skew: Duration::from_millis(500),
        registration_pause: Duration::from_millis(2_000),
        unlabelled_window: Duration::from_millis(2_000),
        suspect_confirm_after: Duration::from_millis(1_500),
        retry_base: Duration::from_millis(250),
        retry_cap: Duration::from_millis(2_000),
        probe_cap: Duration::from_millis(6_000),
        tick: Duration::from_millis(100),
    };
}

impl Plan {
    /// No grant may stand longer in doubt: orphan_wait, the detection of a death, one attempt, one tick.
    pub(crate) fn longest_doubt(&self) -> Duration {
        let times = Times::SHRUNK;
        let attempt = times.connect_timeout + times.provider_timeout;
        times.orphan_wait + times.death_detection + attempt + times.tick
    }

    /// Where leases are kept.
    pub(crate) fn lease(&self) -> LeaseAt {
        let usual = if self.store == StoreAt::Sqlite { LeaseAt::InProcess } else { LeaseAt::Private };
        self.lease.clone().unwrap_or(usual)
    }

    /// What the replicas are told in the environment.
    pub(crate) fn failpoint(&self) -> Option<&str> {
        self.failpoint.as_deref().or(self.expect_red.then_some("escrow.skip"))
    }
}

fn span(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
