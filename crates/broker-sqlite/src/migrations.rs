//! The schema, embedded: one line here for each file of `migrations/sqlite`.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

const FILES: &[(i64, &str, &str)] = &[
    (1, "init", include_str!("../../../migrations/sqlite/0001_init.sql")),
    (2, "access", include_str!("../../../migrations/sqlite/0002_access.sql")),
    (3, "operators", include_str!("../../../migrations/sqlite/0003_operators.sql")),
    (4, "revocations", include_str!("../../../migrations/sqlite/0004_revocations.sql")),
    (5, "deletions", include_str!("../../../migrations/sqlite/0005_deletions.sql")),
    (6, "keys", include_str!("../../../migrations/sqlite/0006_keys.sql")),
    (7, "audit", include_str!("../../../migrations/sqlite/0007_audit.sql")),
    (8, "quotas", include_str!("../../../migrations/sqlite/0008_quotas.sql")),
    (9, "hosted_callbacks", include_str!("../../../migrations/sqlite/0009_hosted_callbacks.sql")),
    (10, "device", include_str!("../../../migrations/sqlite/0010_device.sql")),
    (11, "reconsent", include_str!("../../../migrations/sqlite/0011_reconsent.sql")),
    (12, "windows", include_str!("../../../migrations/sqlite/0012_windows.sql")),
    (13, "machine_credentials", include_str!("../../../migrations/sqlite/0013_machine_credentials.sql")),
    (14, "events", include_str!("../../../migrations/sqlite/0014_events.sql")),
    (15, "webhooks", include_str!("../../../migrations/sqlite/0015_webhooks.sql")),
    (16, "minted_credentials", include_str!("../../../migrations/sqlite/0016_minted_credentials.sql")),
];

/// What a migration run found.
#[derive(Debug)]
pub(crate) enum Migrated {
    /// The schema is the one this program knows.
    Current,
    /// A later program has been here: its schema's number, and the last one known here.
    Newer { found: i64, known: i64 },
}

/// Brings the schema up to date. Idempotent.
pub(crate) async fn run<C: Migrate>(connection: &mut C) -> Result<Migrated, MigrateError> {
    match migrator().run_direct(None, connection, false).await {
        Ok(()) => Ok(Migrated::Current),
        Err(MigrateError::VersionMissing(found)) if found > known() => {
            Ok(Migrated::Newer { found, known: known() })
        }
        Err(error) => Err(error),
    }
}

fn known() -> i64 {
    FILES.iter().map(|(number, _, _)| *number).max().unwrap_or(0)
}

fn migrator() -> Migrator {
    let migration = |&(number, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(FILES.iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions as _, Row as _};

    use super::*;

    #[test]
    fn every_file_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
        let mut on_disk: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        on_disk.sort();
        let embedded: Vec<String> =
            FILES.iter().map(|(number, name, _)| format!("{number:04}_{name}.sql")).collect();
        assert_eq!(on_disk, embedded);
    }

    #[tokio::test]
    async fn api_keys_outlive_the_making_anew_of_their_table() {
        let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
        let (before, after): (Vec<_>, Vec<_>) = FILES.iter().partition(|(number, _, _)| *number < 16);
        for (_, _, sql) in before {
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        }
        let kept = "INSERT INTO tenants VALUES ('acme', '', 1, 1, 1);
                    INSERT INTO machine_credentials VALUES (zeroblob(16), 'acme', 'p', 'nvr', 'default', x'01', x'02', 3, 4, 5)";
        sqlx::raw_sql(kept).execute(&mut connection).await.unwrap();
        for (_, _, sql) in after {
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        }
        let row = sqlx::query("SELECT * FROM machine_credentials").fetch_one(&mut connection).await.unwrap();
        let text = |column| row.get::<String, _>(column);
        assert_eq!(
            (text("kind"), text("user_id"), text("account")),
            ("api_key".into(), "nvr".into(), "default".into())
        );
        let halves = ["api_key_id", "api_key_secret"].map(|column| row.get::<Vec<u8>, _>(column));
        assert_eq!(halves, [[1], [2]]);
        let numbers = ["created_at", "updated_at", "version"].map(|column| row.get::<i64, _>(column));
        assert_eq!(numbers, [3, 4, 5]);
    }
}
