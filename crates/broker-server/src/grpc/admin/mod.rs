//! What operators do, one file each topic.

mod revocation;
