//! A database made from a folder of SQL files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::sql::{self, Name};
use super::{Postgres, TestDatabase};
use crate::names;

impl Postgres {
    /// A new database in which the folder's `.sql` files were run, in the order of their names.
    pub(crate) async fn database_from(&self, folder: &Path) -> Result<TestDatabase> {
        let name = Name::new(format!("test_{}", names::unique())).context("a unique name is a name")?;
        let mut connection = PgConnection::connect(self.url()).await?;
        sql::create(&mut connection, &name).await?;
        connection.close().await?;
        let database = TestDatabase::new(self.url(), name)?;
        let mut connection = PgConnection::connect(database.url()).await?;
        for file in files(folder)? {
            let script = std::fs::read_to_string(&file)?;
            sqlx::raw_sql(AssertSqlSafe(script))
                .execute(&mut connection)
                .await
                .with_context(|| format!("{} fails", file.display()))?;
        }
        connection.close().await?;
        Ok(database)
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    ensure!(!files.is_empty(), "{} holds no .sql file", folder.display());
    Ok(files)
}
