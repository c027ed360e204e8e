//! One database per test, copied from a template.

use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{Connection as _, PgConnection};
use test_servers::{TestDatabase, postgres};

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn make(url: String) {
    let mut connection = connect(&url).await;
    sqlx::query("CREATE TABLE seen (who int)").execute(&mut connection).await.unwrap();
}

async fn fresh(template: &str) -> TestDatabase {
    postgres().await.template(template, make).await.fresh_database().await
}

async fn rows(database: &TestDatabase) -> i64 {
    let mut connection = connect(database.url()).await;
    sqlx::query_scalar("SELECT count(*) FROM seen").fetch_one(&mut connection).await.unwrap()
}

async fn exists(name: &str) -> bool {
    let mut connection = connect(postgres().await.url()).await;
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn copies_of_a_template_do_not_see_each_other() {
    let (one, other) = (fresh("isolated").await, fresh("isolated").await);
    let mut connection = connect(one.url()).await;
    sqlx::query("INSERT INTO seen VALUES (1)").execute(&mut connection).await.unwrap();
    assert_eq!((rows(&one).await, rows(&other).await), (1, 0));
}

#[tokio::test]
async fn a_template_is_made_once_however_many_want_it() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    // A name of this run: a server that stays keeps its templates.
    let name = format!("once_{}", std::process::id());
    let counted = async |url| {
        MADE.fetch_add(1, Ordering::Relaxed);
        make(url).await;
    };
    let shared = postgres().await;
    let want = || async { shared.template(&name, counted).await.fresh_database().await };
    let (one, other, third) = tokio::join!(want(), want(), want());
    assert_eq!(MADE.load(Ordering::Relaxed), 1);
    assert_ne!(one.url(), other.url());
    assert_eq!(rows(&third).await, 0);
}

#[tokio::test]
async fn a_template_whose_maker_died_is_made_again() {
    let name = format!("died_{}", std::process::id());
    let dies = async |url: String| {
        make(url).await;
        panic!("the maker dies");
    };
    let dying = {
        let name = name.clone();
        async move { drop(postgres().await.template(&name, dies).await) }
    };
    let here = tokio::task::LocalSet::new();
    let died = here.run_until(async { tokio::task::spawn_local(dying).await }).await;
    assert!(died.unwrap_err().is_panic());
    assert_eq!(rows(&fresh(&name).await).await, 0);
}

#[tokio::test]
async fn a_dropped_database_is_gone_even_with_connections_open() {
    let database = fresh("dropped").await;
    let name = database.url().rsplit('/').next().unwrap().to_owned();
    let _open = connect(database.url()).await;
    assert!(exists(&name).await);
    drop(database);
    assert!(!exists(&name).await);
}

#[tokio::test]
async fn a_failover_cuts_everybody_off_and_loses_what_the_standby_lacks() {
    let database = fresh("failed_over").await;
    let mut connection = connect(database.url()).await;
    let insert = "INSERT INTO seen VALUES (1)";
    sqlx::query(insert).execute(&mut connection).await.unwrap();
    let standby = database.standby().await;
    assert!(sqlx::query(insert).execute(&mut connection).await.is_err(), "cut off");
    let mut connection = connect(database.url()).await;
    sqlx::query(insert).execute(&mut connection).await.unwrap();
    assert_eq!(rows(&database).await, 2);
    database.fail_over_to(&standby).await;
    assert!(sqlx::query(insert).execute(&mut connection).await.is_err(), "cut off");
    assert_eq!(rows(&database).await, 1);
}
