//! Connections that serve one tenant after another.

use sqlx::PgPool;
use tokio::task::JoinSet;

use super::{API, count, pool, seeded, texts};

const MANY: usize = 200;

/// Vends, and looks around on the same connection afterwards.
async fn vend(pool: PgPool, tenant: &'static str) {
    let mut connection = pool.acquire().await.unwrap();
    let vended =
        format!("SELECT (v.held).tenant FROM vendable_grant('{tenant}', 'evercam', 'ada', 'default') v");
    assert_eq!(texts(&mut connection, vended).await.unwrap(), [tenant]);
    assert_eq!(count(&mut connection, "grants").await.unwrap(), 0);
}

#[tokio::test]
async fn no_tenant_is_left_behind_on_a_connection() {
    let database = seeded().await;
    let pool = pool(&database, API, 2).await;
    let mut vends = JoinSet::new();
    for number in 0..MANY {
        vends.spawn(vend(pool.clone(), ["acme", "globex"][number % 2]));
    }
    assert_eq!(vends.join_all().await.len(), MANY);
    pool.close().await;
}

#[tokio::test]
async fn a_vend_that_fails_leaves_none_behind_either() {
    let database = seeded().await;
    let pool = pool(&database, API, 1).await;
    let mut connection = pool.acquire().await.unwrap();
    let failing = "SELECT (1 / (length((v.held).tenant) - 4))::text
                   FROM vendable_grant('acme', 'evercam', 'ada', 'default') v";
    texts(&mut connection, failing).await.expect_err("a division by zero");
    assert_eq!(count(&mut connection, "grants").await.unwrap(), 0);
}

#[tokio::test]
async fn a_function_for_all_tenants_leaves_no_trace() {
    let database = seeded().await;
    let pool = pool(&database, API, 1).await;
    let mut tx = pool.begin().await.unwrap();
    super::name_tenant(&mut tx, "acme").await;
    assert_eq!(texts(&mut tx, "SELECT tenant FROM revoked_since(1, 9)").await.unwrap().len(), 2);
    assert_eq!(texts(&mut tx, "SELECT tenant FROM grants").await.unwrap(), ["acme"]);
}
