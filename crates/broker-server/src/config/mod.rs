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
mod quotas;
mod role;
mod rotation;
mod rotation_keys;
mod secret_text;
mod store;
mod tls;
mod transit;
mod writable;

pub use access::{AccessConfig, AccessMode, ActionName, PolicyConfig};
pub use audit::{AuditConfig, VendsConfig};
pub use auth::{AuthConfig, AuthMode, IssuerConfig, TrustDomainConfig};
pub use egress::EgressConfig;
pub use keys::KeysConfig;
pub use lease::LeaseConfig;
pub use load::{ConfigError, load, load_as};
pub use model::{Config, EscrowConfig, HttpConfig, ListenConfig, LogConfig, LogFormat, LogLevel, VendConfig};
pub use provider::{Adapter, Authentication, Body, ProviderConfig, Reaches, Reuse, Revokes, Rotation};
pub use public_url::PublicUrl;
pub use quotas::QuotaConfig;
pub use rotation::RotationConfig;
pub use rotation_keys::RotationKeysConfig;
pub(crate) use rotation_keys::of_this_section;
pub use secret_text::SecretText;
pub use store::{StoreConfig, StoreLocation};
pub use tls::TlsConfig;
pub use transit::{KubernetesConfig, TransitConfig};

/// The commented default configuration.
pub const DEFAULT_TOML: &str = include_str!("default.toml");
