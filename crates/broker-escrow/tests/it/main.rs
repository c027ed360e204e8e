//! The journal on a disk.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod compaction;
mod damage;
mod inspection;
mod opening;
mod room;
mod runs;
mod support;
