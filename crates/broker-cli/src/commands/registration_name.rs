//! The flag that names a registration.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct RegistrationName {
    /// Name of the registration
    #[arg(long = "registration", default_value = "default", value_name = "ID")]
    pub(crate) id: String,
}
