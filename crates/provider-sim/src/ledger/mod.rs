//! The ledger: every code, family and token a provider has issued, in memory and, when asked for, in a file.
//!
//! A change is a list of events. The list is written to the file first and applied to the tables second, both
//! before the answer leaves, so that a killed simulator remembers every rotation it may have told about.

mod event;
mod fingerprint;
mod log;
mod record;
mod tables;

use std::path::Path;

pub(crate) use event::Event;
pub(crate) use fingerprint::Fingerprint;
pub use log::StateError;
pub(crate) use record::{AccessToken, Code, CodeFate, Family, RefreshToken};
pub(crate) use tables::Tables;

use log::Log;

/// The tables and the file behind them.
pub(crate) struct Ledger {
    tables: Tables,
    log: Option<Log>,
}

impl Ledger {
    /// An empty ledger, or the one that the file holds.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, StateError> {
        let mut tables = Tables::default();
        let log = file.map(|path| Log::open(path, |event| tables.apply(event))).transpose()?;
        Ok(Self { tables, log })
    }

    pub(crate) const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Makes the events durable, then true. Nothing happened when this fails.
    pub(crate) fn commit(&mut self, events: Vec<Event>) -> std::io::Result<()> {
        if let Some(log) = &mut self.log {
            log.append(&events)?;
        }
        for event in events {
            self.tables.apply(event);
        }
        Ok(())
    }
}
