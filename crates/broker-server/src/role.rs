//! What part of the work this process does.

use anyhow::bail;
use clap::ValueEnum;

/// The roles of `serve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Everything, in one process
    All,
    /// Vending only (not offered yet)
    Api,
    /// Rotation, consent and administration (not offered yet)
    Rotator,
}

impl Role {
    /// Refuses what this version cannot be.
    pub(crate) fn check(self) -> anyhow::Result<()> {
        match self {
            Self::All => Ok(()),
            Self::Api | Self::Rotator => bail!(
                "--role api and --role rotator are not offered yet: leave --role out, or write --role all; on Postgres any \
                 number of such processes share the work"
            ),
        }
    }
}
