//! What operators do to tenants, registrations and the refreshing: one file each.

mod canary;
mod client_test;
mod machine_credentials;
mod new_machine_credential;
mod outcome;
mod pauses;
mod providers;
mod refresh_status;
mod registrations;
mod secrets;
mod tenants;
mod urls;

pub(crate) use client_test::OpenGate;
pub use client_test::{ClientSecretTest, ClientVerdict};
pub(crate) use outcome::{changed, id_reused};
pub(crate) use pauses::refresh_paused;
pub use providers::ProviderStanding;
pub use refresh_status::RefreshStatus;
pub use registrations::{NewRegistration, RegistrationUpdate};
pub use secrets::AddSecret;
