//! What a process may do with the database.

/// The role of the process that opens a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProcessRole {
    /// Everything.
    #[default]
    All,
    /// Vending: reads access tokens and the keys that open them, and asks for rotations.
    Api,
    /// Rotation, consent and administration.
    Rotator,
}

impl ProcessRole {
    /// Whether wrapped keys of refresh tokens are read at all.
    pub(crate) fn reads_rotation_keys(self) -> bool {
        self != Self::Api
    }
}
