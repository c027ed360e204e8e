//! What operators do, one file each topic.

mod deletion;
mod revocation;
