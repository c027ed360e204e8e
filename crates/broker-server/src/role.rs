//! What part of the work this process does.

use broker_postgres::ProcessRole;
use clap::ValueEnum;

/// The roles of `serve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Role {
    /// Everything, in one process
    #[default]
    All,
    /// Vending: holds no key that opens refresh tokens, and asks a rotator (Postgres only)
    Api,
    /// Rotation, consent and administration (Postgres only)
    Rotator,
}

impl Role {
    /// Whether tokens are vended.
    pub(crate) fn vends(self) -> bool {
        self != Self::Rotator
    }

    /// Whether refresh tokens are presented.
    pub(crate) fn rotates(self) -> bool {
        self != Self::Api
    }

    /// The name on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Rotator => "rotator",
        }
    }

    /// What its store may do.
    pub(crate) fn process_role(self) -> ProcessRole {
        match self {
            Self::All => ProcessRole::All,
            Self::Api => ProcessRole::Api,
            Self::Rotator => ProcessRole::Rotator,
        }
    }
}
