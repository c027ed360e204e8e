//! Tenants.

use broker_crypto::WrappedDek;

use crate::{RowVersion, TenantId, Timestamp};

/// A tenant with its wrapped data keys.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// A name for people.
    pub display_name: String,
    /// Its data keys, newest first.
    pub keys: Vec<WrappedDek>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When an operator last changed it.
    pub updated_at: Timestamp,
    /// Which change that was.
    pub version: RowVersion,
}
