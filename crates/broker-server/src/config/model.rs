//! The sections of the configuration. Unknown keys are errors; every key has a default or is checked later.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use broker_escrow::Limits;
use serde::Deserialize;

use super::{
    AccessConfig, AuditConfig, AuthConfig, EgressConfig, EventsConfig, ExtAuthzConfig, KeysConfig,
    LeaseConfig, LimitsConfig, PagesConfig, ProviderConfig, PublicUrl, RotationConfig, StoreConfig,
    TelemetryConfig, TlsConfig, WebhooksConfig, providers,
};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: ListenConfig,
    /// How much connections may take.
    pub limits: LimitsConfig,
    /// The HTTP side.
    pub http: HttpConfig,
    /// Pages for browsers.
    pub pages: PagesConfig,
    /// Who may call.
    pub auth: AuthConfig,
    /// The certificate of the gRPC listener.
    pub tls: TlsConfig,
    /// What callers may do.
    pub access: AccessConfig,
    /// Where grants are kept.
    pub store: StoreConfig,
    /// Key encryption keys.
    pub keys: KeysConfig,
    /// The local journal.
    pub escrow: EscrowConfig,
    /// Where leases are kept.
    pub lease: LeaseConfig,
    /// Vending.
    pub vend: VendConfig,
    /// The audit log.
    pub audit: AuditConfig,
    /// Events.
    pub events: EventsConfig,
    /// Deliveries of events.
    pub webhooks: WebhooksConfig,
    /// Tokens for requests that Envoy forwards.
    pub ext_authz: ExtAuthzConfig,
    /// The times of the rotation protocol.
    pub rotation: RotationConfig,
    /// Logs.
    pub log: LogConfig,
    /// Where traces, logs and metrics are told to.
    pub telemetry: TelemetryConfig,
    /// How providers are called.
    pub egress: EgressConfig,
    /// Authorization servers by name.
    #[serde(deserialize_with = "providers::merged")]
    pub providers: BTreeMap<String, ProviderConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: ListenConfig::default(),
            limits: LimitsConfig::default(),
            http: HttpConfig::default(),
            pages: PagesConfig::default(),
            auth: AuthConfig::default(),
            tls: TlsConfig::default(),
            access: AccessConfig::default(),
            store: StoreConfig::default(),
            keys: KeysConfig::default(),
            escrow: EscrowConfig::default(),
            lease: LeaseConfig::default(),
            vend: VendConfig::default(),
            audit: AuditConfig::default(),
            events: EventsConfig::default(),
            webhooks: WebhooksConfig::default(),
            ext_authz: ExtAuthzConfig::default(),
            rotation: RotationConfig::default(),
            log: LogConfig::default(),
            telemetry: TelemetryConfig::default(),
            egress: EgressConfig::default(),
            providers: providers::built_in(),
        }
    }
}

impl Config {
    /// Where browsers reach the broker, if that is said.
    pub fn public_url(&self) -> Result<Option<PublicUrl>, String> {
        let text = self.http.public_url.as_deref();
        text.map(PublicUrl::parse).transpose().map_err(|problem| format!("[http] public_url {problem}"))
    }
}

/// `[listen]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenConfig {
    /// Address of the gRPC listener; port 0 takes a free one.
    pub grpc: SocketAddr,
    /// Address of the HTTP listener; port 0 takes a free one.
    pub http: SocketAddr,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            grpc: SocketAddr::from((Ipv4Addr::LOCALHOST, 7400)),
            http: SocketAddr::from((Ipv4Addr::LOCALHOST, 7401)),
        }
    }
}

/// `[http]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// The URL under which browsers reach the HTTP listener.
    pub public_url: Option<String>,
}

/// `[escrow]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EscrowConfig {
    /// Directory of the journal, on a volume that outlives the process.
    pub dir: Option<PathBuf>,
    /// How large the journal may grow, in bytes.
    pub max_bytes: u64,
}

impl Default for EscrowConfig {
    fn default() -> Self {
        Self { dir: None, max_bytes: Limits::default().total_bytes }
    }
}

impl EscrowConfig {
    /// How large the journal may grow and how long it keeps what was written.
    pub fn limits(&self) -> Limits {
        Limits::with_total(self.max_bytes)
    }
}

/// `[vend]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VendConfig {
    /// How many grants to keep ready, sealed, in memory; about 2 KB each.
    pub cached_grants: usize,
    /// How many streams of WatchAccessTokens may be open, all callers together.
    pub watch_streams: u32,
    /// The same for each caller.
    pub watch_streams_per_caller: u32,
}

impl Default for VendConfig {
    fn default() -> Self {
        Self { cached_grants: 100_000, watch_streams: 10_000, watch_streams_per_caller: 2_500 }
    }
}

/// `[log]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Least level of our own events; dependencies never log below info.
    pub level: LogLevel,
    /// How events are written.
    pub format: LogFormat,
}

/// Least level of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Failures somebody must look at.
    Error,
    /// Failures that heal.
    Warn,
    /// What changed.
    #[default]
    Info,
    /// What was asked.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        use serde::de::IntoDeserializer;
        use serde::de::value::{Error, StrDeserializer};
        let text: StrDeserializer<'_, Error> = name.into_deserializer();
        Self::deserialize(text).ok()
    }
}

impl From<LogLevel> for tracing::level_filters::LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// How events are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}
