//! A Postgres of one's own.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use test_servers::{PostgresOptions, PrivatePostgres};

async fn with_a_row() -> (PrivatePostgres, PgConnection) {
    let postgres = PrivatePostgres::start(PostgresOptions::default()).await;
    let mut connection = PgConnection::connect(postgres.url()).await.unwrap();
    sqlx::query("CREATE TABLE kept AS SELECT 7 AS number").execute(&mut connection).await.unwrap();
    (postgres, connection)
}

async fn number(url: &str) -> sqlx::Result<i32> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query_scalar("SELECT number FROM kept").fetch_one(&mut connection).await
}

#[tokio::test]
async fn a_killed_postgres_refuses_and_comes_back_with_its_data() {
    let (postgres, mut connection) = with_a_row().await;
    postgres.kill().await;
    assert!(sqlx::query("SELECT 1").execute(&mut connection).await.is_err());
    assert!(number(postgres.url()).await.is_err());
    postgres.start_again().await;
    assert_eq!(number(postgres.url()).await.unwrap(), 7);
}

#[tokio::test]
async fn an_immediate_shutdown_breaks_connections_and_loses_nothing() {
    let (postgres, mut connection) = with_a_row().await;
    postgres.stop_immediate().await;
    assert!(sqlx::query("SELECT 1").execute(&mut connection).await.is_err());
    postgres.start_again().await;
    assert_eq!(number(postgres.url()).await.unwrap(), 7);
}

#[tokio::test]
async fn a_paused_postgres_answers_only_after_it_was_resumed() {
    let (postgres, mut connection) = with_a_row().await;
    postgres.pause().await;
    let mut asking = std::pin::pin!(sqlx::query_scalar("SELECT number FROM kept").fetch_one(&mut connection));
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut asking).await.is_err());
    postgres.resume().await;
    let number: i32 = asking.await.unwrap();
    assert_eq!(number, 7);
}

#[tokio::test]
async fn settings_reach_the_server() {
    let options =
        PostgresOptions { durable: false, settings: vec![("work_mem".to_owned(), "1234kB".to_owned())] };
    let postgres = PrivatePostgres::start(options).await;
    let mut connection = PgConnection::connect(postgres.url()).await.unwrap();
    for (setting, value) in [("SHOW work_mem", "1234kB"), ("SHOW fsync", "off")] {
        let shown: String = sqlx::query_scalar(setting).fetch_one(&mut connection).await.unwrap();
        assert_eq!(shown, value, "{setting}");
    }
}
