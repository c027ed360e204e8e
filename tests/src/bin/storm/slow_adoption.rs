//! Makes the store slow where it counts: an answer then lies in escrow alone for a while, and many a kill falls into it.

use anyhow::Result;
use sqlx::{Connection as _, PgConnection};

/// An adoption takes so much longer, in seconds: what a busy database takes. A statement whose client has died is
/// broken off (see [`crate::servers`]), so that it lasts just as long until the adoption cannot be undone by a kill.
const SLOW: &str = "
    CREATE FUNCTION storm_takes_time() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_sleep(0.04);
        RETURN NEW;
    END $$;
    CREATE TRIGGER storm_takes_time BEFORE UPDATE OF adopted_generation ON attempts FOR EACH ROW
    WHEN (OLD.adopted_generation IS NULL AND NEW.adopted_generation IS NOT NULL)
    EXECUTE FUNCTION storm_takes_time()";

/// Does so to a Postgres that has the broker's schema.
pub(crate) async fn slow_down(url: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(SLOW).execute(&mut connection).await?;
    Ok(connection.close().await?)
}
