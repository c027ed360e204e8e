//! What the store says, read behind the broker's back.

mod postgres;
mod sqlite;

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;

pub(crate) use self::postgres::Postgres;
pub(crate) use self::sqlite::Sqlite;

/// One refresh attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) id: u128,
    pub(crate) grant: u128,
    /// The broker's generation when it was claimed.
    pub(crate) generation: u64,
    /// The run of the process that made it.
    pub(crate) owner: u128,
    /// Microseconds since 1970, as all times.
    pub(crate) claimed_micros: u64,
    /// `None`: provably not sent.
    pub(crate) sent_micros: Option<u64>,
    /// `None`: still open.
    pub(crate) closed_micros: Option<u64>,
    pub(crate) conclusion: Option<String>,
    /// When its answer had become a token set: later than it was closed, if it was closed in doubt. `None`: it never did.
    pub(crate) adopted_micros: Option<u64>,
}

/// A grant that is not at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restless {
    pub(crate) grant: u128,
    pub(crate) generation: u64,
    /// Number of its newest presentation at this generation.
    pub(crate) presentation_no: u64,
    pub(crate) phase: String,
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its place. `None`: it is written, and has none yet.
    pub(crate) sequence: Option<u64>,
    pub(crate) r#type: String,
    /// The grant that it tells of, and its generation; `None` where it tells of something else.
    pub(crate) grant: Option<(u128, u64)>,
}

/// A store.
#[async_trait]
pub(crate) trait Reader: Send + Sync {
    /// Every refresh attempt.
    async fn attempts(&self) -> Result<Vec<Attempt>>;

    /// The active grants in a phase other than idle.
    async fn restless(&self) -> Result<Vec<Restless>>;

    /// How many grants are given up.
    async fn given_up(&self) -> Result<usize>;

    /// Every event, in the order of their places; then those that have none yet, in the order in which they get one.
    async fn events(&self) -> Result<Vec<Event>>;

    /// Which replica's escrow each run wrote to: escrow ids by owner. `None` where the store does not say.
    async fn escrow_of_owners(&self) -> Result<Option<HashMap<u128, u128>>>;
}

/// The number in an id of 16 bytes.
fn id(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// Times before 1970 and generations below zero do not occur.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
