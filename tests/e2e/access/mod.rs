//! What callers may do.

mod denied;
mod every_rpc;
mod limits;
mod policies;
mod quotas;
mod shadow;
