//! Making sure that what was written survives the loss of power.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::directory;
use crate::tidy::Shared;

impl Shared {
    /// Waits until the disk has what was written to the segment, and the segment's name.
    pub(crate) async fn flush(self: &Arc<Self>, segment: u64, file: Arc<File>) -> io::Result<()> {
        let shared = self.clone();
        let flush = move || file.sync_data().and_then(|()| directory::sync(&shared.directory));
        let flushed = tokio::task::spawn_blocking(flush).await.map_err(io::Error::other).flatten();
        // After a failure nobody knows what of the file is on the disk, and asking again answers wrongly.
        flushed.inspect_err(|_| self.journal().leave(segment))
    }
}
