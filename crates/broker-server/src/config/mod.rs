//! Configuration: one TOML file, overridden by `TOKEN_BROKER__SECTION__KEY`.

mod access;
mod audit;
mod auth;
mod check;
mod egress;
mod environment;
mod keys;
mod lease;
mod load;
mod model;
mod problem;
mod provider;
mod providers;
mod public_url;
mod rotation;
mod secret_text;
mod store;
mod tls;
mod writable;

pub use access::{AccessConfig, AccessMode, ActionName, PolicyConfig};
pub use audit::{AuditConfig, VendsConfig};
pub use auth::{AuthConfig, AuthMode, IssuerConfig, TrustDomainConfig};
pub use egress::EgressConfig;
pub use keys::KeysConfig;
pub use lease::LeaseConfig;
pub use load::{ConfigError, load};
pub use model::{Config, EscrowConfig, HttpConfig, ListenConfig, LogConfig, LogFormat, LogLevel, VendConfig};
pub use provider::{Adapter, Authentication, Body, ProviderConfig, Reaches, Reuse, Revokes, Rotation};
pub use public_url::PublicUrl;
pub use rotation::RotationConfig;
pub use secret_text::SecretText;
pub use store::{StoreConfig, StoreLocation};
pub use tls::TlsConfig;

/// The commented default configuration.
pub const DEFAULT_TOML: &str = include_str!("default.toml");
