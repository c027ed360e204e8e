//! Configuration: one TOML file, overridden by `TOKEN_BROKER__SECTION__KEY`.

mod access;
mod audit;
mod auth;
mod changes;
mod check;
mod egress;
mod environment;
mod events;
mod ext_authz;
mod keys;
mod lease;
mod limits;
mod load;
mod model;
mod pages;
mod places;
mod problem;
mod provider;
mod providers;
mod public_url;
mod quotas;
mod reconsent_url;
mod role;
mod rotation;
mod rotation_keys;
mod secret_text;
mod store;
mod telemetry;
mod tls;
mod transit;
mod webhooks;
mod writable;

pub use access::{AccessConfig, AccessMode, ActionName, PolicyConfig};
pub use audit::{AuditConfig, VendsConfig};
pub use auth::{AuthConfig, AuthMode, IssuerConfig, TrustDomainConfig};
pub(crate) use changes::{Loaded, differences};
pub use egress::EgressConfig;
pub use events::EventsConfig;
pub use ext_authz::ExtAuthzConfig;
pub use keys::KeysConfig;
pub use lease::LeaseConfig;
pub(crate) use limits::HTTP_RESERVE;
pub use limits::LimitsConfig;
pub(crate) use load::read_as;
pub use load::{ConfigError, load, load_as, load_for_migration};
pub use model::{Config, EscrowConfig, HttpConfig, ListenConfig, LogConfig, LogFormat, LogLevel, VendConfig};
pub use pages::{PagesConfig, TenantPageConfig};
pub use provider::{
    Adapter, Authentication, Body, ProviderConfig, Reaches, Replaces, Reuse, Revokes, Rotation,
};
pub use public_url::PublicUrl;
pub use quotas::QuotaConfig;
pub use reconsent_url::ReconsentUrl;
pub use rotation::RotationConfig;
pub use rotation_keys::RotationKeysConfig;
pub(crate) use rotation_keys::of_this_section;
pub use secret_text::SecretText;
pub use store::{StoreConfig, StoreLocation};
pub use telemetry::{OtlpProtocol, TelemetryConfig};
pub use tls::TlsConfig;
pub use transit::{KubernetesConfig, TransitConfig};
pub use webhooks::WebhooksConfig;

/// The commented default configuration.
pub const DEFAULT_TOML: &str = include_str!("default.toml");
