//! A rotation of keys: durable, worked on by one replica at a time, polled by operators.

use super::WrappingKeys;
use crate::{KeyRotationId, TenantId, Timestamp};

/// Which keys are rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Key encryption keys: data keys are wrapped anew under the primary one.
    Kek,
    /// Data keys: new ones are made, and what older ones sealed is sealed anew.
    Dek,
}

impl KeyKind {
    /// The name in stores and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kek => "kek",
            Self::Dek => "dek",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Kek, Self::Dek].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRotationState {
    /// Under way.
    Running,
    /// Nothing is left under the old keys.
    Succeeded,
    /// Some values could not be opened, or another rotation took its place.
    Failed,
}

impl KeyRotationState {
    const ALL: [Self; 3] = [Self::Running, Self::Succeeded, Self::Failed];

    /// The name in stores and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Which of its two walks over the tenants a rotation is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRotationWalk {
    /// New keys are made, and most is done.
    First,
    /// Every replica knows the new keys: what was still sealed under old ones meanwhile is found, and what does not
    /// open is counted.
    Last,
}

impl KeyRotationWalk {
    /// The name in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// The walk of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::First, Self::Last].into_iter().find(|walk| walk.as_str() == name)
    }
}

/// A rotation of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRotation {
    /// Its id.
    pub id: KeyRotationId,
    /// Which keys.
    pub kind: KeyKind,
    /// Whose; `None` for every tenant's.
    pub tenant: Option<TenantId>,
    /// The keys that data keys are wrapped under; only for [`KeyKind::Kek`].
    pub target: Option<WrappingKeys>,
    /// How far it is.
    pub state: KeyRotationState,
    /// Which walk it is on.
    pub walk: KeyRotationWalk,
    /// The last tenant of the walk that is done.
    pub after: Option<TenantId>,
    /// Values sealed anew, or keys wrapped anew.
    pub done: u64,
    /// How many are left, as far as is known.
    pub remaining: u64,
    /// How many do not open.
    pub failed: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}
