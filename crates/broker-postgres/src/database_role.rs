//! The roles of the database that connections act as. `migrations/postgres/0020_isolation.sql` makes them and says what
//! each may do.

/// A role that owns nothing and is held to row-level security.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseRole {
    /// Vends: sees the rows of the tenant its transaction names, and no refresh token.
    Api,
    /// Rotates: sees every tenant.
    Rotator,
    /// Does what operators ask: sees the rows of the tenant its transaction names, or all if it names `*`.
    Admin,
}

impl DatabaseRole {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Api => "token_broker_api",
            Self::Rotator => "token_broker_rotator",
            Self::Admin => "token_broker_admin",
        }
    }
}
