//! What kind of process uses the store.

use crate::database_role::DatabaseRole;

/// The part of the broker that a process is, as `serve --role` says. It decides which database roles its connections act
/// as, and so what the database lets it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProcessRole {
    /// All parts.
    #[default]
    All,
    /// Vending alone. Every connection is `token_broker_api`: no refresh token, no client secret, no rotation key.
    Api,
    /// Everything but vending. No connection is `token_broker_api`.
    Rotator,
}

impl ProcessRole {
    /// Whether wrapped keys of refresh tokens are read at all.
    pub(crate) fn reads_rotation_keys(self) -> bool {
        self != Self::Api
    }

    /// Every role that connections of the process act as.
    pub(crate) fn database_roles(self) -> &'static [DatabaseRole] {
        match self {
            Self::All => &[DatabaseRole::Api, DatabaseRole::Rotator, DatabaseRole::Admin],
            Self::Api => &[DatabaseRole::Api],
            Self::Rotator => &[DatabaseRole::Rotator, DatabaseRole::Admin],
        }
    }

    /// The role that work meant for `role` is done as in this process.
    pub(crate) fn acting(self, role: DatabaseRole) -> DatabaseRole {
        match (self, role) {
            (Self::Api, _) => DatabaseRole::Api,
            (Self::Rotator, DatabaseRole::Api) => DatabaseRole::Rotator,
            (Self::All | Self::Rotator, role) => role,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: [DatabaseRole; 3] = [DatabaseRole::Api, DatabaseRole::Rotator, DatabaseRole::Admin];

    #[test]
    fn a_process_acts_as_no_role_but_its_own() {
        for process in [ProcessRole::All, ProcessRole::Api, ProcessRole::Rotator] {
            for role in EVERY {
                assert!(process.database_roles().contains(&process.acting(role)), "{process:?} {role:?}");
            }
        }
        assert!(EVERY.iter().all(|role| ProcessRole::Api.acting(*role) == DatabaseRole::Api));
        assert!(EVERY.iter().all(|role| ProcessRole::All.acting(*role) == *role));
    }
}
