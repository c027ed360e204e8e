//! Everything that is sealed, walked by the inventory.

mod inventory;

use async_trait::async_trait;
use broker_core::TenantId;
use broker_core::ports::{RowId, SealedRow, SealedStore, SealedUnder, SealedValue, StoreError};
use broker_crypto::DekId;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqlitePool};

use self::inventory::{INVENTORY, SealedTable, table};
use crate::SqliteStore;
use crate::columns::Columns;
use crate::operation::failed;

#[async_trait]
impl SealedStore for SqliteStore {
    fn sealed_columns(&self) -> Vec<(&'static str, &'static str)> {
        let columns =
            |table: &'static SealedTable| table.columns.iter().map(|column| (table.name, column.name));
        INVENTORY.iter().flat_map(columns).collect()
    }

    async fn sealed_under(
        &self,
        tenant: &TenantId,
        table_name: &'static str,
        after: Option<&RowId>,
        limit: u32,
    ) -> Result<Vec<SealedUnder>, StoreError> {
        let table = table(table_name)?;
        self.operation("sealed_under", under(&self.readers, table, tenant, after, limit)).await
    }

    async fn sealed_row(
        &self,
        tenant: &TenantId,
        table_name: &'static str,
        row: &RowId,
    ) -> Result<Option<SealedRow>, StoreError> {
        self.operation("sealed_row", read(&self.readers, table(table_name)?, tenant, row)).await
    }

    async fn reseal(
        &self,
        tenant: &TenantId,
        row: &SealedRow,
        envelopes: &[Vec<u8>],
    ) -> Result<bool, StoreError> {
        self.operation("reseal", exchange(&self.writer, table(row.table)?, tenant, row, envelopes)).await
    }
}

/// A condition: something of the tenant is sealed under the key.
pub(crate) fn anything_under(tenant: &str, key: &str) -> String {
    let mut conditions = Vec::new();
    for SealedTable { name, joined, tenant: owner, columns, .. } in INVENTORY {
        let under = columns.iter().map(|column| format!("substr(t.{}, 3, 16) = {key}", column.name));
        let under = under.collect::<Vec<_>>().join(" OR ");
        conditions
            .push(format!("EXISTS (SELECT 1 FROM {name} t {joined} WHERE {owner} = {tenant} AND ({under}))"));
    }
    conditions.join(" OR ")
}

/// The first bytes of an envelope are read and nothing else of it.
async fn under(
    pool: &SqlitePool,
    table: &SealedTable,
    tenant: &TenantId,
    after: Option<&RowId>,
    limit: u32,
) -> Result<Vec<SealedUnder>, StoreError> {
    let keys = table.columns.iter().map(|column| format!("substr(t.{0}, 1, 18) AS {0}", column.name));
    let statement = format!(
        "SELECT {shown} AS row, {keys} FROM {name} t {joined} WHERE {owner} = ?1 AND {row} > {after}
         ORDER BY {row} LIMIT ?3",
        shown = table.row.shown(),
        keys = keys.collect::<Vec<_>>().join(", "),
        row = table.row.raw(),
        after = table.row.given("?2"),
        name = table.name,
        joined = table.joined,
        owner = table.tenant,
    );
    sqlx::query(AssertSqlSafe(statement))
        .bind(tenant.as_str())
        .bind(after.map_or("", |row| row.0.as_str()))
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(failed)?
        .iter()
        .map(|row| under_from_row(table, row))
        .collect()
}

fn under_from_row(table: &SealedTable, row: &SqliteRow) -> Result<SealedUnder, StoreError> {
    let mut keys = Vec::new();
    for column in table.columns {
        if let Some(head) = row.get_as::<Option<Vec<u8>>>(column.name)? {
            keys.push(DekId::of_envelope_head(&head));
        }
    }
    Ok(SealedUnder { row: RowId(row.text("row")?), keys })
}

async fn read(
    pool: &SqlitePool,
    table: &SealedTable,
    tenant: &TenantId,
    row: &RowId,
) -> Result<Option<SealedRow>, StoreError> {
    let envelopes = table.columns.iter().map(|column| format!("t.{}", column.name)).collect::<Vec<_>>();
    let statement = format!(
        "SELECT {envelopes}, {facts} FROM {name} t {joined} WHERE {owner} = ?1 AND {row} = {given}",
        envelopes = envelopes.join(", "),
        facts = table.facts,
        row = table.row.raw(),
        given = table.row.given("?2"),
        name = table.name,
        joined = table.joined,
        owner = table.tenant,
    );
    let found = sqlx::query(AssertSqlSafe(statement))
        .bind(tenant.as_str())
        .bind(row.0.as_str())
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some(SealedRow { table: table.name, row: row.clone(), values: values(table, &found)? }))
}

fn values(table: &SealedTable, row: &SqliteRow) -> Result<Vec<SealedValue>, StoreError> {
    let mut values = Vec::new();
    for column in table.columns {
        let Some(envelope) = row.get_as::<Option<Vec<u8>>>(column.name)? else { continue };
        let (owner, generation) = (column.place)(row)?;
        values.push(SealedValue { column: column.name, secret: column.secret, owner, generation, envelope });
    }
    Ok(values)
}

/// Envelopes are random: the same bytes are the same value at the same place.
async fn exchange(
    pool: &SqlitePool,
    table: &SealedTable,
    tenant: &TenantId,
    row: &SealedRow,
    envelopes: &[Vec<u8>],
) -> Result<bool, StoreError> {
    if row.values.len() != envelopes.len() {
        return Err(StoreError::Inconsistent("not one envelope for each value"));
    }
    let numbered = || row.values.iter().zip(0usize..);
    let set = numbered().map(|(value, n)| format!("{} = ?{}", value.column, 3 + 2 * n));
    let unchanged = numbered().map(|(value, n)| format!("t.{} = ?{}", value.column, 4 + 2 * n));
    let absent =
        table.columns.iter().filter(|column| row.values.iter().all(|value| value.column != column.name));
    let absent = absent.map(|column| format!("t.{} IS NULL", column.name));
    let statement = format!(
        "UPDATE {name} AS t SET {set} WHERE {own} = {given} AND {same} AND {of_tenant}",
        set = set.collect::<Vec<_>>().join(", "),
        same = unchanged.chain(absent).collect::<Vec<_>>().join(" AND "),
        own = table.own_row.unwrap_or(table.row.raw()),
        given = table.row.given("?2"),
        name = table.name,
        of_tenant = of_tenant(table),
    );
    let mut exchange = sqlx::query(AssertSqlSafe(statement)).bind(tenant.as_str()).bind(row.row.0.as_str());
    for (value, envelope) in row.values.iter().zip(envelopes) {
        exchange = exchange.bind(envelope.as_slice()).bind(value.envelope.as_slice());
    }
    let exchanged = exchange.execute(pool).await.map_err(failed)?;
    Ok(exchanged.rows_affected() == 1)
}

/// That the row is the tenant's: said by the row itself, or by what is joined to it, whose id then names one row in the
/// whole store.
fn of_tenant(table: &SealedTable) -> String {
    let SealedTable { name, joined, tenant, row, .. } = table;
    match joined.is_empty() {
        true => format!("{tenant} = ?1"),
        false => format!(
            "EXISTS (SELECT 1 FROM {name} t {joined} WHERE {tenant} = ?1 AND {} = {})",
            row.raw(),
            row.given("?2")
        ),
    }
}
