//! Keys: the data keys of tenants as they are opened here, and what is done with keys as such.
//!
//! A rotation of keys is durable and resumable: one replica works on it ([`worker`]), says so with each page, and loses
//! it to another when it falls silent. It walks the tenants twice. On the first walk new keys are made and nearly
//! everything is done; on the last one every replica has heard of them ([`news`]), so that what still turns up under
//! an old key was in flight and no more will follow.

mod count;
mod list;
mod news;
mod opened;
mod reseal;
mod retire;
mod rewrap;
mod rewrap_audit;
mod rotate;
mod rotation;
mod sealing;
mod wear;
mod worker;
mod wrapping_keys;

pub use self::list::{KeyCursor, KeyInfo, KeyLife, KeyList, KeyQuery};
pub(crate) use self::news::KeyNews;
pub(crate) use self::opened::TenantKeyCache;
pub use self::retire::KeyUse;
pub use self::rotation::{KeyKind, KeyRotation, KeyRotationState, KeyRotationWalk};
pub(crate) use self::sealing::SealFor;
pub(crate) use self::worker::WorkedOn;
pub use self::wrapping_keys::WrappingKeys;
