//! Revoking grants: durable first, then at the provider (RFC 7009), then erased (rule 12 of `docs/rotation.md`).

mod bulk;
mod outcome;
mod request;
mod run;
mod spreading;
mod upstream;
mod verdict;

pub use self::bulk::BulkRevocation;
pub use self::outcome::RevocationOutcome;
pub(crate) use self::run::Revoking;
pub(crate) use self::spreading::{forget_revoked, keep_forgetting};
