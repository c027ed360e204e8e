//! A look into the broker's database, behind its back.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// How many attempts are open.
pub(crate) async fn open_attempts(database: &Path) -> i64 {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    let mut connection = options.connect().await.unwrap();
    let count = sqlx::query_scalar("SELECT count(*) FROM attempts WHERE closed_at IS NULL");
    let open = count.fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    open
}
