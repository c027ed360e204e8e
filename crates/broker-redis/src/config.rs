//! Where Redis is and how long it may take.

use std::fmt;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use broker_core::ports::BudgetLimits;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, TlsCertificates};

use crate::RedisConfigError;

/// How to reach Redis.
#[derive(Clone)]
pub struct RedisConfig {
    /// `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS.
    pub url: String,
    /// The ACL user; wins over the URL's.
    pub username: Option<String>,
    /// A file that holds the password, white space at its end not counted; wins over the URL's.
    pub password_file: Option<PathBuf>,
    /// The certificate authorities to trust, PEM; without it those of the machine.
    pub ca_file: Option<PathBuf>,
    /// How long opening a connection may take, TLS and login included. 1 s.
    pub connect_timeout: Duration,
    /// How long an answer may take. 250 ms.
    pub response_timeout: Duration,
    /// How long Redis is left alone after a failure. 1 s.
    pub rest: Duration,
    /// How often it is asked whether a silent subscription still stands. 2 s.
    pub heartbeat: Duration,
    /// The limits of the providers.
    pub budgets: BudgetLimits,
    /// How many replicas share the budgets; without Redis each keeps to its part.
    pub fallback_share: NonZeroU16,
}

impl RedisConfig {
    /// The Redis at `url`, no budgets, everything else by default.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            username: None,
            password_file: None,
            ca_file: None,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_millis(250),
            rest: Duration::from_secs(1),
            heartbeat: Duration::from_secs(2),
            budgets: BudgetLimits::default(),
            fallback_share: NonZeroU16::MIN,
        }
    }

    /// Whether it can ever work, as far as that shows without connecting.
    pub fn check(&self) -> Result<(), RedisConfigError> {
        self.client().map(|_| ())
    }

    /// A client that has not connected yet.
    pub(crate) fn client(&self) -> Result<Client, RedisConfigError> {
        let info = self.with_login(self.address()?)?;
        match &self.ca_file {
            Some(path) => with_ca(info, path),
            None => Client::open(info).map_err(|_| RedisConfigError::Url),
        }
    }

    fn address(&self) -> Result<ConnectionInfo, RedisConfigError> {
        let url = redis::parse_redis_url(&self.url).ok_or(RedisConfigError::Url)?;
        if url.fragment().is_some() {
            return Err(RedisConfigError::Fragment);
        }
        url.into_connection_info().map_err(|_| RedisConfigError::Url)
    }

    fn with_login(&self, info: ConnectionInfo) -> Result<ConnectionInfo, RedisConfigError> {
        // A dedicated subscription speaks RESP2; naming the library would need one more permission.
        let mut login = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        login = login.set_skip_set_lib_name();
        if let Some(username) = &self.username {
            login = login.set_username(username);
        }
        if let Some(path) = &self.password_file {
            login = login.set_password(password(path)?);
        }
        Ok(info.set_redis_settings(login))
    }
}

impl fmt::Debug for RedisConfig {
    /// Without the URL: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("password_file", &self.password_file)
            .field("ca_file", &self.ca_file)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("rest", &self.rest)
            .field("heartbeat", &self.heartbeat)
            .field("budgets", &self.budgets)
            .field("fallback_share", &self.fallback_share)
            .finish_non_exhaustive()
    }
}

fn with_ca(info: ConnectionInfo, path: &Path) -> Result<Client, RedisConfigError> {
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Err(RedisConfigError::CaWithoutTls);
    }
    let ca = read(path)?;
    let no_certificate = || RedisConfigError::NoCertificate { path: path.to_owned() };
    if !ca.contains("-----BEGIN CERTIFICATE-----") {
        return Err(no_certificate());
    }
    let certificates = TlsCertificates { client_tls: None, root_cert: Some(ca.into_bytes()) };
    Client::build_with_tls(info, certificates).map_err(|_| no_certificate())
}

fn password(path: &Path) -> Result<String, RedisConfigError> {
    let password = read(path)?.trim_end().to_owned();
    match password.is_empty() {
        true => Err(RedisConfigError::NoPassword { path: path.to_owned() }),
        false => Ok(password),
    }
}

fn read(path: &Path) -> Result<String, RedisConfigError> {
    std::fs::read_to_string(path).map_err(|source| RedisConfigError::File { path: path.to_owned(), source })
}
