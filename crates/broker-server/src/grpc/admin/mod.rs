//! What AdminService does, one file for each kind of resource; the service itself only delegates.

pub(super) mod at_risk;
pub(super) mod audit;
mod deletion;
mod etag;
pub(super) mod grants;
pub(super) mod keys;
pub(super) mod machine_credentials;
mod mask;
pub(super) mod new_registration;
mod page;
pub(super) mod providers;
pub(super) mod registrations;
mod revocation;
pub(super) mod scheduler;
pub(super) mod secrets;
pub(super) mod tenants;
mod webhook_message;
pub(super) mod webhooks;

pub(super) use self::etag::write as etag_of;
pub(crate) use self::providers::Adapters;
