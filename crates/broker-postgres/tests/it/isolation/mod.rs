//! What one role may see of another tenant's rows, and of secrets: asked of the database itself.

mod columns;
mod pooling;
mod roles;
mod tables;
mod writes;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};
use test_servers::TestDatabase;

use crate::logins::{self, MEMBER};
use crate::stores::database;

const API: &str = "token_broker_api";
const ADMIN: &str = "token_broker_admin";
const ROTATOR: &str = "token_broker_rotator";

/// Rows of `acme` and of `globex` in every table that has rows of tenants.
async fn seeded() -> TestDatabase {
    let database = database().await;
    superuser(&database).await.execute(include_str!("seed.sql")).await.unwrap();
    database
}

/// Sees everything.
async fn superuser(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(database.url()).await.unwrap()
}

/// How the broker connects to act as a role.
fn acting(database: &TestDatabase, role: &str) -> PgConnectOptions {
    let connect: PgConnectOptions = logins::url_of(database, MEMBER).parse().unwrap();
    connect.options([("role", role)])
}

async fn connected(database: &TestDatabase, role: &str) -> PgConnection {
    PgConnection::connect_with(&acting(database, role)).await.unwrap()
}

async fn pool(database: &TestDatabase, role: &str, size: u32) -> PgPool {
    sqlx::postgres::PgPoolOptions::new()
        .max_connections(size)
        .connect_with(acting(database, role))
        .await
        .unwrap()
}

/// The tenant of everything that follows on this connection.
async fn name_tenant(connection: &mut PgConnection, tenant: &str) {
    let named = sqlx::query("SELECT set_config('token_broker.tenant', $1, false)").bind(tenant);
    named.execute(connection).await.unwrap();
}

/// What a query of one text column answers.
async fn texts(connection: &mut PgConnection, sql: impl Into<String>) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(sql.into())).fetch_all(connection).await
}

async fn count(connection: &mut PgConnection, table: &str) -> Result<i64, sqlx::Error> {
    let count = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(connection).await
}

/// Not allowed: a privilege is missing, or a row breaks a policy.
fn is_refused(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refusal| refusal.code().as_deref() == Some("42501"))
}
