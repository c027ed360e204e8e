//! What a program finds when it opens a database: its own schema, an older one, a newer one, none.

use broker_postgres::{OpenError, OpenOptions, PostgresStore};
use sqlx::{Connection, Executor, PgConnection};

use crate::stores::database;

async fn open(url: &str) -> Result<PostgresStore, OpenError> {
    PostgresStore::open(url, OpenOptions::default()).await
}

async fn run(url: &str, sql: &'static str) {
    PgConnection::connect(url).await.unwrap().execute(sql).await.unwrap();
}

#[tokio::test]
async fn an_empty_database_is_migrated_only_when_told() {
    let empty = test_servers::postgres().await.template("empty", async |_| ()).await.fresh_database().await;
    let refused = open(empty.url()).await.unwrap_err();
    assert!(matches!(refused, OpenError::OlderSchema { found: 0, .. }), "{refused}");
    assert!(refused.to_string().contains("token-broker migrate"), "{refused}");
    let migrating = OpenOptions { migrate: true, ..OpenOptions::default() };
    PostgresStore::open(empty.url(), migrating).await.unwrap().close().await;
    broker_postgres::migrate(empty.url()).await.unwrap();
    open(empty.url()).await.unwrap().close().await;
}

#[tokio::test]
async fn an_expanded_schema_is_used_and_a_contracted_one_is_not() {
    let database = database().await;
    run(
        database.url(),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'expand', true, '\\x00', 0)",
    )
    .await;
    open(database.url()).await.unwrap().close().await;
    broker_postgres::migrate(database.url()).await.unwrap();
    run(database.url(), "UPDATE installation SET oldest_program = 9000").await;
    let refused = open(database.url()).await.unwrap_err();
    assert!(matches!(refused, OpenError::NewerSchema { found: 9000, .. }), "{refused}");
}

#[tokio::test]
async fn an_unfinished_migration_is_refused() {
    let database = database().await;
    run(database.url(), "UPDATE _sqlx_migrations SET success = false WHERE version = 3").await;
    let refused = open(database.url()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Schema(_)), "{refused}");
}

#[tokio::test]
async fn no_error_shows_the_url() {
    for url in ["postgres://me:hunter2@[", "postgres://me:hunter2@127.0.0.1:1/db"] {
        let error = open(url).await.unwrap_err();
        let mut shown = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            shown += &cause.to_string();
            source = cause.source();
        }
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
