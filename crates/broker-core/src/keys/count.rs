//! Counting what is sealed, page by page.

use std::collections::HashMap;

use broker_crypto::DekId;

use crate::ports::{RowId, SealedUnder, StoreError};
use crate::{Broker, TenantId};

/// Rows read at once: a short statement each time.
pub(super) const PAGE: u32 = 200;

/// How many values each key has sealed; `None` counts what names no data key.
pub(super) type SealedCounts = HashMap<Option<DekId>, u64>;

impl Broker {
    /// What of a tenant is sealed, by key.
    pub(super) async fn count_sealed(&self, tenant: &TenantId) -> Result<SealedCounts, StoreError> {
        let mut counts = SealedCounts::new();
        for table in self.sealed_tables() {
            let mut after = None;
            while let Some(page) = self.sealed_page(tenant, table, after.as_ref()).await? {
                for key in page.iter().flat_map(|row| &row.keys) {
                    *counts.entry(*key).or_default() += 1;
                }
                after = page.into_iter().next_back().map(|last| last.row);
            }
        }
        Ok(counts)
    }

    /// Every table of the inventory.
    pub(super) fn sealed_tables(&self) -> Vec<&'static str> {
        let mut tables: Vec<_> = self.sealed.sealed_columns().into_iter().map(|(table, _)| table).collect();
        tables.dedup();
        tables
    }

    /// The next rows of a table; `None` after the last.
    pub(super) async fn sealed_page(
        &self,
        tenant: &TenantId,
        table: &'static str,
        after: Option<&RowId>,
    ) -> Result<Option<Vec<SealedUnder>>, StoreError> {
        let page = self.sealed.sealed_under(tenant, table, after, PAGE).await?;
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}
