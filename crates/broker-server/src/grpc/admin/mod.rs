//! AdminService by topic. The service itself only hands on.

pub(super) mod keys;
