//! Every table that has rows of tenants, as the catalog knows them.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::{ADMIN, API, connected, count, is_refused, name_tenant, seeded, superuser, texts};

/// Tables that name a tenant, or the chain of its audit log, and those that refer to one of them.
const TENANT_TABLES: &str = "
    WITH RECURSIVE named AS (
        SELECT c.oid FROM pg_class c
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
          AND (c.relname = 'tenants' OR EXISTS (
              SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('tenant', 'chain') AND NOT a.attisdropped))
        UNION
        SELECT k.conrelid FROM pg_constraint k JOIN named n ON n.oid = k.confrelid WHERE k.contype = 'f'
    )
    SELECT oid::regclass::text FROM named ORDER BY 1";

async fn tenant_tables(connection: &mut PgConnection) -> Vec<String> {
    let tables = texts(connection, TENANT_TABLES).await.unwrap();
    assert!(tables.len() >= 23, "{tables:?}");
    tables
}

fn tenant_column(table: &str) -> &'static str {
    match table {
        "tenants" => "id",
        "audit_heads" | "audit_checkpoints" => "chain",
        _ => "tenant",
    }
}

async fn tenants_seen(connection: &mut PgConnection, table: &str) -> BTreeSet<String> {
    let column = tenant_column(table);
    texts(connection, format!("SELECT {column} FROM {table}")).await.unwrap().into_iter().collect()
}

async fn may_read(connection: &mut PgConnection, table: &str) -> bool {
    let may = sqlx::query_scalar("SELECT has_any_column_privilege(current_user, $1, 'SELECT')").bind(table);
    may.fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn each_is_under_row_level_security_even_for_its_owner() {
    let database = seeded().await;
    let mut all = superuser(&database).await;
    for table in tenant_tables(&mut all).await {
        let forced = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = $1::regclass";
        let forced: bool = sqlx::query_scalar(forced).bind(&table).fetch_one(&mut all).await.unwrap();
        assert!(forced, "{table}: add `CALL isolate_tenants('{table}', …)`");
        let seeded = tenants_seen(&mut all, &table).await;
        assert_eq!(seeded.len(), 2, "{table} has no rows in seed.sql");
    }
}

#[tokio::test]
async fn without_a_tenant_no_row_is_seen_and_with_one_its_own() {
    let database = seeded().await;
    let tables = tenant_tables(&mut superuser(&database).await).await;
    for (role, readable) in [(API, 7), (ADMIN, 15)] {
        let mut read = 0;
        for table in &tables {
            read += usize::from(sees_only_what_it_names(&mut connected(&database, role).await, table).await);
        }
        assert_eq!(read, readable, "tables that {role} reads");
    }
}

/// `false`: the role may not read the table at all.
async fn sees_only_what_it_names(connection: &mut PgConnection, table: &str) -> bool {
    if !may_read(connection, table).await {
        assert!(is_refused(&count(connection, table).await.unwrap_err()), "{table}");
        return false;
    }
    assert_eq!(count(connection, table).await.unwrap(), 0, "{table}, unscoped");
    for tenant in ["acme", "globex"] {
        name_tenant(connection, tenant).await;
        assert_eq!(tenants_seen(connection, table).await, [tenant.to_owned()].into(), "{table}");
    }
    name_tenant(connection, "").await;
    assert_eq!(count(connection, table).await.unwrap(), 0, "{table}, forgotten");
    true
}

#[tokio::test]
async fn all_tenants_are_for_operators_and_never_for_vending() {
    let database = seeded().await;
    let mut admin = connected(&database, ADMIN).await;
    name_tenant(&mut admin, "*").await;
    assert_eq!(count(&mut admin, "grants").await.unwrap(), 2);
    let mut api = connected(&database, API).await;
    name_tenant(&mut api, "*").await;
    assert_eq!(count(&mut api, "grants").await.unwrap(), 0);
}

#[tokio::test]
async fn the_owner_sees_nothing_without_saying_so() {
    let database = seeded().await;
    let url = crate::logins::url_of(&database, crate::logins::OWNER);
    let mut owner = <PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    for table in tenant_tables(&mut owner).await {
        assert_eq!(count(&mut owner, &table).await.unwrap(), 0, "{table}");
    }
    name_tenant(&mut owner, "*").await;
    assert_eq!(count(&mut owner, "grant_secrets").await.unwrap(), 2);
}
