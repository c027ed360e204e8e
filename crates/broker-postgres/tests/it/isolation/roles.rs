//! Users and processes that lack a role.

use broker_core::Timestamp;
use broker_core::ports::{AccessStore, DueQuery, GrantStore, KeyStore, RevocationStore, TenantStore};
use broker_core::testing::conformance::{NOW, key, tenant_id};
use broker_crypto::KeyPurpose;
use broker_postgres::{OpenError, OpenOptions, PostgresStore, ProcessRole, migrate};
use sqlx::{Connection, Executor, PgConnection};
use test_servers::{PostgresOptions, PrivatePostgres};

use super::{ROTATOR, connected, seeded};
use crate::logins;
use crate::stores::database;

async fn open(url: &str, process_role: ProcessRole) -> Result<PostgresStore, OpenError> {
    PostgresStore::open(url, OpenOptions { process_role, ..OpenOptions::default() }).await
}

#[tokio::test]
async fn a_user_who_lacks_a_role_is_told_which() {
    let database = database().await;
    let stranger = open(&logins::url_of(&database, logins::STRANGER), ProcessRole::All).await.unwrap_err();
    assert!(matches!(stranger, OpenError::Role("token_broker_api")), "{stranger}");
    let api = open(&logins::url_of(&database, logins::API), ProcessRole::All).await.unwrap_err();
    assert!(api.to_string().contains("GRANT token_broker_rotator TO"), "{api}");
}

#[tokio::test]
async fn an_api_process_vends_and_cannot_claim() {
    let database = seeded().await;
    let store = open(&logins::url_of(&database, logins::API), ProcessRole::Api).await.unwrap();
    assert!(store.vendable(&key("nobody")).await.unwrap().is_none());
    let since = Timestamp::from_unix_micros(1);
    assert_eq!(store.revoked_since(since, 9).await.unwrap().len(), 2);
    assert_eq!(store.changed_since(since, 9).await.unwrap().len(), 2);
    assert_eq!(store.changed_keys(since).await.unwrap().len(), 2);
    let acme = store.tenant(&tenant_id("acme")).await.unwrap().unwrap();
    assert_eq!(acme.keys.iter().map(|key| key.purpose).collect::<Vec<_>>(), [KeyPurpose::Access]);
    let oldest = store.oldest_data_keys(KeyPurpose::Access, 9).await.unwrap();
    assert!(oldest.iter().all(|(_, key)| key.purpose == KeyPurpose::Access) && oldest.len() == 2);
    assert_eq!(store.policies(None, 9).await.unwrap().len(), 2);
    store.policies_version().await.unwrap();
    store.note_asked(&[(key("ada"), NOW)]).await.unwrap();
    let due = DueQuery { due_by: NOW, limit: 1, per_lane: None };
    store.due_grants(&due).await.expect_err("what is due is not its to read");
    store.close().await;
}

#[tokio::test]
async fn a_rotator_sees_every_tenant_without_naming_one() {
    let database = seeded().await;
    let mut rotator = connected(&database, ROTATOR).await;
    assert_eq!(super::count(&mut rotator, "grant_secrets").await.unwrap(), 2);
}

/// On a server of its own: roles are the server's.
#[tokio::test]
async fn an_owner_who_may_not_create_roles_is_told_what_to_run() {
    let server =
        PrivatePostgres::start(PostgresOptions { durable: false, ..PostgresOptions::default() }).await;
    let mut superuser = PgConnection::connect(server.url()).await.unwrap();
    superuser.execute("CREATE ROLE broker_test_owner LOGIN PASSWORD 'broker'").await.unwrap();
    superuser.execute("GRANT CREATE ON SCHEMA public TO broker_test_owner").await.unwrap();
    let owner = logins::url_as(server.url(), logins::OWNER);
    let told = migrate(&owner).await.unwrap_err();
    assert!(matches!(told, OpenError::MissingRoles(_)), "{told}");
    let told = told.to_string();
    let statements = told.split('`').nth(1).unwrap().to_owned();
    superuser.execute(sqlx::AssertSqlSafe(statements)).await.unwrap();
    migrate(&owner).await.unwrap();
}
