//! Times and limits of outgoing calls.

use std::time::Duration;

/// Times and limits of outgoing calls. The defaults are those of `docs/rotation.md`, rule 5.
#[derive(Debug, Clone)]
pub struct EgressConfig {
    /// Longest wait for DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Longest wait for a whole call, from the first look-up to the last byte of the answer.
    pub total_timeout: Duration,
    /// Writing the body must begin this soon after the gate was asked.
    pub write_within: Duration,
    /// A connection idle for longer is not used again.
    pub max_idle: Duration,
    /// Longest answer that is read, in bytes.
    pub max_body: usize,
    /// Certificates (PEM) trusted in addition to those of the system.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            total_timeout: Duration::from_secs(30),
            write_within: Duration::from_secs(5),
            max_idle: Duration::from_secs(5),
            max_body: 64 * 1024,
            extra_roots_pem: None,
            user_agent: concat!("token-broker/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}
