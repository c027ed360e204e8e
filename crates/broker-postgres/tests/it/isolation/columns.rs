//! Secrets by column: every sealed one of the inventory, and data keys.

use broker_core::ports::SealedStore;
use broker_core::testing::conformance::StoreUnderTest;
use sqlx::Executor;

use super::{ADMIN, API, connected, is_refused, name_tenant, seeded, superuser, texts};
use crate::stores::InPostgres;

/// The sealed columns that a role may read.
async fn readable(role: &str) -> Vec<String> {
    let sealed = InPostgres::fresh().await.store.sealed_columns();
    let database = super::database().await;
    let mut connection = superuser(&database).await;
    let mut readable = Vec::new();
    for (table, column) in sealed {
        let may = sqlx::query_scalar("SELECT has_column_privilege($1, $2, $3, 'SELECT')");
        if may.bind(role).bind(table).bind(column).fetch_one(&mut connection).await.unwrap() {
            readable.push(format!("{table}.{column}"));
        }
    }
    readable
}

#[tokio::test]
async fn vending_reads_access_tokens_and_no_other_secret() {
    let machine = ["api_key_id", "api_key_secret", "access_token"]
        .map(|column| format!("machine_credentials.{column}"));
    let expected: Vec<_> = ["grant_secrets.access_token".to_owned()].into_iter().chain(machine).collect();
    assert_eq!(readable(API).await, expected);
}

#[tokio::test]
async fn operators_read_client_secrets_and_no_token() {
    assert_eq!(readable(ADMIN).await, ["client_secrets.client_secret"]);
}

#[tokio::test]
async fn reading_a_secret_is_refused() {
    let database = seeded().await;
    let mut api = connected(&database, API).await;
    name_tenant(&mut api, "acme").await;
    for secret in [
        "SELECT refresh_token FROM grant_secrets",
        "SELECT * FROM grant_secrets",
        "SELECT client_secret FROM registration_rows",
        "SELECT client_secret FROM client_secrets",
        "SELECT verifier FROM authorizations",
        "SELECT body FROM unread_answers",
        "SELECT refresh_token FROM revocations",
        "SELECT r.refresh_token FROM claim_refreshes('{}', 0) r",
    ] {
        assert!(is_refused(&api.execute(secret).await.unwrap_err()), "{secret}");
    }
}

#[tokio::test]
async fn vending_sees_no_key_that_opens_refresh_tokens() {
    let database = seeded().await;
    let mut api = connected(&database, API).await;
    name_tenant(&mut api, "acme").await;
    assert_eq!(texts(&mut api, "SELECT purpose FROM data_keys").await.unwrap(), ["access"]);
    let mut admin = connected(&database, ADMIN).await;
    let error = admin.execute("SELECT envelope FROM data_keys").await.unwrap_err();
    assert!(is_refused(&error), "{error}");
}
