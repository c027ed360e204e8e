//! Everything that is sealed under tenants' data keys, whatever it is: what a rotation of data keys walks.

use async_trait::async_trait;
use broker_crypto::{DekId, Place, SecretType};

use super::StoreError;
use crate::TenantId;

/// A row's key within its table, as text. Names a row in the log; says nothing of what is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowId(pub String);

/// A row, and the keys its sealed values are sealed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedUnder {
    /// The row.
    pub row: RowId,
    /// One for each sealed value; `None` where the bytes name no data key.
    pub keys: Vec<Option<DekId>>,
}

/// One sealed value, and how its place is made.
#[derive(Debug, Clone)]
pub struct SealedValue {
    /// The column.
    pub column: &'static str,
    /// What it holds.
    pub secret: SecretType,
    /// The owner part of its place.
    pub owner: String,
    /// The generation of its place.
    pub generation: u64,
    /// The envelope.
    pub envelope: Vec<u8>,
}

impl SealedValue {
    /// The place it is sealed at.
    pub fn place<'a>(&'a self, tenant: &'a TenantId) -> Place<'a> {
        Place { tenant: tenant.as_str(), owner: &self.owner, generation: self.generation }
    }
}

/// The sealed values of one row, at one time. They are exchanged together or not at all.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// The table.
    pub table: &'static str,
    /// The row.
    pub row: RowId,
    /// Its values; columns without one are left out.
    pub values: Vec<SealedValue>,
}

/// The sealed values of a store.
#[async_trait]
pub trait SealedStore: Send + Sync {
    /// The inventory: table and column of everything that is sealed. What is not in it is lost when keys are retired.
    fn sealed_columns(&self) -> Vec<(&'static str, &'static str)>;

    /// The next rows of a tenant in a table, in the order of their ids, and what they are sealed under.
    async fn sealed_under(
        &self,
        tenant: &TenantId,
        table: &'static str,
        after: Option<&RowId>,
        limit: u32,
    ) -> Result<Vec<SealedUnder>, StoreError>;

    /// One row with its values; `None` if it is gone.
    async fn sealed_row(
        &self,
        tenant: &TenantId,
        table: &'static str,
        row: &RowId,
    ) -> Result<Option<SealedRow>, StoreError>;

    /// Exchanges the envelopes of a row, in the order of its values, if every one of its columns still holds what was
    /// read: it loses against any other change of them. `false`: it has lost.
    async fn reseal(
        &self,
        tenant: &TenantId,
        row: &SealedRow,
        envelopes: &[Vec<u8>],
    ) -> Result<bool, StoreError>;
}
