//! What happened, told in order and without gaps to whoever watches.
//!
//! Stores write an event in the transaction of what it tells of. A feed sees to it that each gets its place in the log,
//! and wakes those who read it.

mod event;
mod feed;
mod watch;

pub use event::{Event, EventGrant, EventType};
pub use feed::{EventFeed, FeedRole};
pub use watch::{EventWatch, Seen};
