//! The way to the broker: TLS, and what we show of ourselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use crate::cli::Credentials;
use crate::failure::Failure;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A channel whose every call shows the bearer token, if there is one.
pub(crate) type Connection = InterceptedService<Channel, BearerToken>;

/// Does not connect yet: the first call does. What would be sent in plaintext and must not is refused.
pub(crate) fn connect(url: &str, credentials: &Credentials) -> Result<Connection, Failure> {
    let endpoint = endpoint(url)?.connect_timeout(CONNECT_TIMEOUT);
    let endpoint = match endpoint.uri().scheme_str() {
        Some("https") => endpoint.tls_config(tls(credentials)?).map_err(|error| {
            Failure::Usage(format!("the certificates or the key cannot be used: {}", innermost(&error)))
        })?,
        _ => plaintext(endpoint, credentials)?,
    };
    let token = BearerToken { file: credentials.token_file.clone() };
    token.read()?;
    Ok(InterceptedService::new(endpoint.connect_lazy(), token))
}

fn endpoint(url: &str) -> Result<Endpoint, Failure> {
    let endpoint = Endpoint::from_shared(url.to_owned()).ok().filter(|endpoint| {
        let uri = endpoint.uri();
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    endpoint.ok_or_else(|| {
        Failure::Usage(format!(
            "--endpoint {url} is not a URL like https://broker.example.com:7400 or http://127.0.0.1:7400"
        ))
    })
}

fn plaintext(endpoint: Endpoint, credentials: &Credentials) -> Result<Endpoint, Failure> {
    let Credentials { ca_file, cert_file, key_file, token_file, server_name } = credentials;
    if token_file.is_some() {
        let refused = "--token-file needs an https --endpoint: a token is never sent in plaintext";
        return Err(Failure::Usage(refused.to_owned()));
    }
    let for_tls = ca_file.is_some() || cert_file.is_some() || key_file.is_some() || server_name.is_some();
    match for_tls {
        true => Err(Failure::Usage(
            "--ca-file, --cert-file, --key-file and --server-name need an https --endpoint".to_owned(),
        )),
        false => Ok(endpoint),
    }
}

fn tls(credentials: &Credentials) -> Result<ClientTlsConfig, Failure> {
    let mut tls = match &credentials.ca_file {
        Some(path) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(path)?)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match (&credentials.cert_file, &credentials.key_file) {
        (Some(certificate), Some(key)) => {
            tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
        }
        (None, None) => {}
        _ => return Err(Failure::Usage("--cert-file and --key-file go together".to_owned())),
    }
    Ok(match &credentials.server_name {
        Some(name) => tls.domain_name(name),
        None => tls,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::Unreadable { path: path.to_owned(), error })
}

fn innermost(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.last().map(ToString::to_string).unwrap_or_default()
}

/// The file of a bearer token. It is read at each call, as such tokens are replaced every hour.
#[derive(Clone, Debug)]
pub(crate) struct BearerToken {
    file: Option<PathBuf>,
}

impl BearerToken {
    fn read(&self) -> Result<Option<AsciiMetadataValue>, Failure> {
        let Some(path) = &self.file else { return Ok(None) };
        let unreadable = |error| Failure::Unreadable { path: path.clone(), error };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let none = || Failure::Usage(format!("{} holds no token", path.display()));
        let token = Some(text.trim()).filter(|token| !token.is_empty()).ok_or_else(none)?;
        let mut value = AsciiMetadataValue::try_from(format!("Bearer {token}")).map_err(|_| none())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

impl Interceptor for BearerToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = self.read().map_err(|failure| Status::unauthenticated(failure.to_string()))?;
        token.map(|token| request.metadata_mut().insert("authorization", token));
        Ok(request)
    }
}
