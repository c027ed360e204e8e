//! Writing rows of another tenant.

use sqlx::Executor;

use super::{ADMIN, API, ROTATOR, connected, is_refused, name_tenant, seeded, superuser, texts};

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
    assert_eq!(writable, ["audit_inbox", "audit_keys", "machine_credentials", "rotation_requests"]);
    // Through the function it does, and to the grant of the tenant that was named with it.
    let mut api = connected(&database, API).await;
    let noted =
        "SELECT note_asked('{acme,acme}', ARRAY[md5('acmegrant')::uuid, md5('globexgrant')::uuid], '{9,9}')";
    api.execute(noted).await.unwrap();
    let asked = "SELECT tenant || asked_at FROM grant_use ORDER BY 1";
    assert_eq!(texts(&mut superuser(&database).await, asked).await.unwrap(), ["acme9", "globex1"]);
}

#[tokio::test]
async fn vending_makes_mints_due_earlier_and_changes_nothing_else_of_them() {
    let database = seeded().await;
    let mut owner = superuser(&database).await;
    let minted = "UPDATE machine_credentials SET kind = 'client_credentials', registration = 'main', api_key_id = NULL,
                                                 api_key_secret = NULL, mint_at = 10";
    owner.execute(minted).await.unwrap();
    let mut api = connected(&database, API).await;
    name_tenant(&mut api, "acme").await;
    api.execute("UPDATE machine_credentials SET mint_at = 9").await.unwrap();
    let due = "SELECT tenant || mint_at FROM machine_credentials ORDER BY 1";
    assert_eq!(texts(&mut owner, due).await.unwrap(), ["acme9", "globex10"]);
    for change in ["mint_at = 10", "generation = 2", "minting_until = 20", "access_token = NULL"] {
        let change = sqlx::AssertSqlSafe(format!("UPDATE machine_credentials SET {change}"));
        assert!(is_refused(&api.execute(change).await.unwrap_err()));
    }
}

#[tokio::test]
async fn vending_asks_for_rotations_of_the_tenant_it_names_and_answers_none() {
    let database = seeded().await;
    let mut api = connected(&database, API).await;
    name_tenant(&mut api, "acme").await;
    let ask = |tenant: &str| {
        sqlx::AssertSqlSafe(format!(
            "INSERT INTO rotation_requests (grant_id, generation, tenant, round, answered, requested_at, wanted_until)
             VALUES (md5('{tenant}grant')::uuid, 2, '{tenant}', 1, 0, 1, 1)"
        ))
    };
    api.execute(ask("acme")).await.unwrap();
    assert!(is_refused(&api.execute(ask("globex")).await.unwrap_err()));
    let forged = "UPDATE rotation_requests SET answered = round, answer = 'adopted'";
    assert!(is_refused(&api.execute(forged).await.unwrap_err()));
}

#[tokio::test]
async fn records_of_any_tenant_are_added_and_only_rotators_read_them() {
    let database = seeded().await;
    for role in [API, ADMIN, ROTATOR] {
        let mut connection = connected(&database, role).await;
        let added = "INSERT INTO audit_inbox (tenant, at, action, resource, outcome, reason, purpose)
                     VALUES ('acme', 1, 'a', '', 'succeeded', '', ''), ('globex', 1, 'a', '', 'succeeded', '', ''),
                            ('', 1, 'a', '', 'succeeded', '', '')";
        assert_eq!(connection.execute(added).await.unwrap().rows_affected(), 3, "{role}");
        let read = texts(&mut connection, "SELECT tenant FROM audit_inbox").await;
        assert_eq!(read.is_ok(), role == ROTATOR, "{role}");
    }
}
