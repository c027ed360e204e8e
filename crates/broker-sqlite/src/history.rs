//! Which history of the store this is.
//!
//! A file has no timeline of its own, so every heartbeat counts. A process that has seen a higher count than the file
//! holds is on a file that was put back under it: it begins another epoch, higher than any it has known. Until it has,
//! no claim is granted. A process that starts has seen nothing and takes the file as it is.

use std::sync::{Mutex, PoisonError};

use broker_core::InstallationId;
use broker_core::ports::{Epoch, StoreError};
use sqlx::SqliteConnection;

use crate::columns::Columns;
use crate::operation::failed;

/// The most this process has seen committed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    epoch: u64,
    beats: u64,
}

/// [`Seen`], for all tasks.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Seen>);

impl Watch {
    pub(crate) fn seen(&self) -> Seen {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Call it once what was read is known to be committed.
    pub(crate) fn raise(&self, history: &History) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.epoch = seen.epoch.max(history.epoch.0);
        seen.beats = seen.beats.max(history.beats);
    }
}

/// The row of the store that says which one it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct History {
    pub(crate) installation: InstallationId,
    pub(crate) epoch: Epoch,
    pub(crate) beats: u64,
}

impl History {
    /// Whether claims of that epoch are of this history, and nothing this process has seen is gone from it.
    pub(crate) fn is(&self, epoch: Epoch, seen: Seen) -> bool {
        self.epoch == epoch && self.beats >= seen.beats
    }
}

pub(crate) async fn read(connection: &mut SqliteConnection) -> Result<History, StoreError> {
    let row = sqlx::query("SELECT id, epoch, beats FROM installation")
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(History {
        installation: row.id("id", InstallationId::from_bytes)?,
        epoch: Epoch(row.number("epoch")?),
        beats: row.number("beats")?,
    })
}

/// Counts one heartbeat, in another epoch if commits are gone.
pub(crate) async fn beat(connection: &mut SqliteConnection, seen: Seen) -> Result<History, StoreError> {
    let mut history = read(connection).await?;
    if history.beats < seen.beats {
        history.epoch = Epoch(history.epoch.0.max(seen.epoch) + 1);
        history.beats = seen.beats;
    }
    history.beats += 1;
    sqlx::query("UPDATE installation SET epoch = ?1, beats = ?2")
        .bind(history.epoch.0.cast_signed())
        .bind(history.beats.cast_signed())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(history)
}
