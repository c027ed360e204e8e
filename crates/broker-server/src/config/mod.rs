//! Configuration: one TOML file, overridden by `TOKEN_BROKER__SECTION__KEY`.

mod check;
mod environment;
mod load;
mod model;
mod provider;
mod rotation;
mod secret_text;

pub use load::{ConfigError, load};
pub use model::{
    AuthConfig, AuthMode, Config, EscrowConfig, HttpConfig, KeysConfig, LeaseConfig, ListenConfig, LogConfig,
    LogFormat, LogLevel, StoreConfig, VendConfig,
};
pub use provider::{Adapter, Authentication, Body, ProviderConfig, Reuse, Rotation};
pub use rotation::RotationConfig;
pub use secret_text::SecretText;

/// The commented default configuration.
pub const DEFAULT_TOML: &str = include_str!("default.toml");
