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
}
