//! Writing rows of another tenant.

use sqlx::Executor;

use super::{ADMIN, API, connected, is_refused, name_tenant, seeded, superuser, texts};

#[tokio::test]
async fn a_row_of_another_tenant_is_not_made_or_given_away() {
    let database = seeded().await;
    let mut admin = connected(&database, ADMIN).await;
    name_tenant(&mut admin, "acme").await;
    for theft in [
        "INSERT INTO create_requests VALUES ('globex', gen_random_uuid(), sha256('x'), 'r', 1)",
        "INSERT INTO refresh_pauses VALUES (NULL, 'evercam', 1, 'p', '', 1)",
        "UPDATE create_requests SET tenant = 'globex'",
        "INSERT INTO tenants VALUES ('initech', '', 1, 1, 1)",
        "INSERT INTO access_policies VALUES (gen_random_uuid(), sha256('x'), 'p', '', '*', '*', '', NULL, '', 1)",
    ] {
        assert!(is_refused(&admin.execute(theft).await.unwrap_err()), "{theft}");
    }
}

#[tokio::test]
async fn what_is_not_seen_is_not_changed() {
    let database = seeded().await;
    let mut admin = connected(&database, ADMIN).await;
    name_tenant(&mut admin, "acme").await;
    for (statement, own) in [
        ("UPDATE tenants SET display_name = 'stolen'", 1),
        ("UPDATE client_registrations SET redirect_uri = 'https://stolen.example'", 1),
        ("DELETE FROM access_policies", 1),
        ("DELETE FROM refresh_pauses WHERE tenant = 'globex'", 0),
    ] {
        assert_eq!(admin.execute(statement).await.unwrap().rows_affected(), own, "{statement}");
    }
    let names = texts(&mut superuser(&database).await, "SELECT display_name FROM tenants ORDER BY id").await;
    assert_eq!(names.unwrap(), ["stolen", "globex"]);
}

#[tokio::test]
async fn vending_writes_records_and_requests_and_nothing_else_by_itself() {
    let database = seeded().await;
    let writable = "
        SELECT c.oid::regclass::text FROM pg_class c
        WHERE c.relkind IN ('r', 'p', 'v') AND c.relnamespace = current_schema()::regnamespace
          AND (has_any_column_privilege('token_broker_api', c.oid, 'INSERT, UPDATE')
               OR has_table_privilege('token_broker_api', c.oid, 'DELETE, TRUNCATE'))
        ORDER BY 1";
    let writable = texts(&mut superuser(&database).await, writable).await.unwrap();
    assert_eq!(writable, ["audit_inbox", "audit_keys", "rotation_requests"]);
    // Through the function it does, and to the grant of the tenant that was named with it.
    let mut api = connected(&database, API).await;
    let noted =
        "SELECT note_asked('{acme,acme}', ARRAY[md5('acmegrant')::uuid, md5('globexgrant')::uuid], '{9,9}')";
    api.execute(noted).await.unwrap();
    let asked = "SELECT tenant || asked_at FROM grant_use ORDER BY 1";
    assert_eq!(texts(&mut superuser(&database).await, asked).await.unwrap(), ["acme9", "globex1"]);
}
