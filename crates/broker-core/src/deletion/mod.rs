//! Deleting a tenant: its grants are revoked upstream, then its data keys are destroyed. Its id is never given again.

mod keys;
mod request;

pub(crate) use self::keys::forget_destroyed;
