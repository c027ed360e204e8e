//! `[telemetry]`: where traces, logs and metrics are told to.

use std::path::PathBuf;
use std::time::Duration;

use broker_otlp::{Headers, Protocol, Resource, Settings};
use serde::Deserialize;
use url::Url;

use super::SecretText;

/// A batch that takes longer would keep the next ones waiting until they are dropped.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How often metrics may be told.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// The one standard variable that is read: what Kubernetes and operators of collectors say about a process.
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// `[telemetry]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// The collector, `http://host:port` or `https://host:port`; without it nothing is told.
    pub otlp_endpoint: Option<String>,
    /// What it speaks.
    pub otlp_protocol: OtlpProtocol,
    /// A file of headers, `name: value` in each line.
    pub headers_file: Option<PathBuf>,
    /// Certificate authorities (PEM) to trust.
    pub ca_file: Option<PathBuf>,
    /// How long one batch may take, retries included.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// `service.name`.
    pub service_name: String,
    /// Which part of the traces that begin here is recorded, 0 to 1.
    pub traces_sample_ratio: f64,
    /// How often metrics are told.
    #[serde(with = "humantime_serde")]
    pub metrics_interval: Duration,
    /// Whether providers are told in which trace they are called.
    pub propagate_to_providers: bool,
}

/// What a collector speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OtlpProtocol {
    /// gRPC.
    #[default]
    Grpc,
    /// Protobuf over HTTP.
    Http,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            otlp_protocol: OtlpProtocol::default(),
            headers_file: None,
            ca_file: None,
            timeout: Duration::from_secs(10),
            service_name: "token-broker".to_owned(),
            traces_sample_ratio: 1.0,
            metrics_interval: Duration::from_secs(60),
            propagate_to_providers: true,
        }
    }
}

impl TelemetryConfig {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(0.0..=1.0).contains(&self.traces_sample_ratio) {
            problems.push("[telemetry] traces_sample_ratio must be 0 to 1".to_owned());
        }
        if self.timeout.is_zero() || self.timeout > LONGEST_TIMEOUT {
            let most = LONGEST_TIMEOUT.as_secs();
            problems.push(format!("[telemetry] timeout must be above zero and at most {most} s"));
        }
        if self.metrics_interval < LEAST_INTERVAL {
            problems.push("[telemetry] metrics_interval must be at least 1 s".to_owned());
        }
        if self.service_name.is_empty() {
            problems.push("[telemetry] service_name must not be empty".to_owned());
        }
        problems.extend(self.settings(Vec::new()).err());
        problems
    }

    /// How the collector is reached; `None` where there is none. `of_process` are attributes that nobody configures; those of
    /// `OTEL_RESOURCE_ATTRIBUTES` go before them.
    pub(crate) fn settings(&self, of_process: Vec<(String, String)>) -> Result<Option<Settings>, String> {
        let Some(endpoint) = &self.otlp_endpoint else { return Ok(None) };
        let endpoint = self.endpoint(endpoint)?;
        let headers = self.headers()?;
        if endpoint.scheme() == "http" && !headers.is_empty() && !broker_egress::is_loopback(&endpoint) {
            return Err("[telemetry] headers_file must not go over plain http; use https, or an agent on this machine"
                .to_owned());
        }
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| format!("[telemetry] ca_file {}: {error}", path.display()))
        };
        let service = [("service.name".to_owned(), self.service_name.clone())];
        Ok(Some(Settings {
            endpoint,
            protocol: match self.otlp_protocol {
                OtlpProtocol::Grpc => Protocol::Grpc,
                OtlpProtocol::Http => Protocol::Http,
            },
            headers,
            ca_pem: self.ca_file.as_ref().map(read).transpose()?,
            timeout: self.timeout,
            sample_ratio: self.traces_sample_ratio,
            resource: Resource::new(of_process.into_iter().chain(service).chain(from_environment()?)),
        }))
    }

    /// Plain `http` goes to any host: agents listen on the node or in the cluster, without a certificate.
    fn endpoint(&self, text: &str) -> Result<Url, String> {
        let problem = "[telemetry] otlp_endpoint must be http://host:port or https://host:port, without a user, query or fragment";
        let url = Url::parse(text).map_err(|_| problem.to_owned())?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let fits = matches!(url.scheme(), "http" | "https") && url.has_host() && plain;
        let has_path = url.path() != "/";
        if !fits {
            return Err(problem.to_owned());
        }
        match (self.otlp_protocol, has_path) {
            (OtlpProtocol::Grpc, true) => {
                Err("[telemetry] otlp_endpoint must have no path over gRPC".to_owned())
            }
            _ => Ok(url),
        }
    }

    fn headers(&self) -> Result<Headers, String> {
        let text = SecretText::given("[telemetry] headers", None, self.headers_file.as_deref())?;
        let Some(text) = text else { return Ok(Headers::default()) };
        Headers::parse(text.expose()).map_err(|problem| format!("[telemetry] headers_file: {problem}"))
    }
}

fn from_environment() -> Result<Vec<(String, String)>, String> {
    let text = std::env::var(ATTRIBUTES).unwrap_or_default();
    Resource::parse(&text).map_err(|problem| format!("the environment variable {ATTRIBUTES}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn telemetry(lines: &str) -> TelemetryConfig {
        toml::from_str::<Config>(&format!("[telemetry]\n{lines}")).unwrap().telemetry
    }

    #[test]
    fn without_an_endpoint_nothing_is_told() {
        assert!(telemetry("headers_file = \"/absent\"").settings(Vec::new()).unwrap().is_none());
    }

    #[test]
    fn every_bad_value_is_named() {
        for (lines, named) in [
            ("traces_sample_ratio = 1.1", "traces_sample_ratio"),
            ("timeout = \"0s\"", "timeout"),
            ("timeout = \"2m\"", "timeout"),
            ("metrics_interval = \"10ms\"", "metrics_interval"),
            ("service_name = \"\"", "service_name"),
            ("otlp_endpoint = \"collector:4317\"", "otlp_endpoint"),
            ("otlp_endpoint = \"ftp://collector\"", "otlp_endpoint"),
            ("otlp_endpoint = \"http://u:canary@collector\"", "otlp_endpoint"),
            ("otlp_endpoint = \"http://collector/v1\"", "otlp_endpoint"),
            ("otlp_endpoint = \"http://collector\"\nheaders_file = \"/absent\"", "headers_file"),
            ("otlp_endpoint = \"https://collector\"\nca_file = \"/absent\"", "ca_file"),
        ] {
            let problems = telemetry(lines).problems();
            assert_eq!(problems.len(), 1, "{lines}: {problems:?}");
            let begin = format!("[telemetry] {named}");
            assert!(problems[0].starts_with(&begin) && !problems[0].contains("canary"), "{problems:?}");
        }
        assert_eq!(telemetry("otlp_endpoint = \"http://agent.svc:4317\"").problems(), Vec::<String>::new());
        let with_path = "otlp_endpoint = \"https://vendor/otlp\"\notlp_protocol = \"http\"";
        assert_eq!(telemetry(with_path).problems(), Vec::<String>::new());
    }

    #[test]
    fn a_secret_goes_to_this_machine_or_over_tls() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("headers");
        std::fs::write(&file, "authorization: Bearer canary\n").unwrap();
        let problems = |endpoint: &str| {
            telemetry(&format!("otlp_endpoint = \"{endpoint}\"\nheaders_file = {file:?}")).problems()
        };
        assert_eq!(problems("http://localhost:4317"), Vec::<String>::new());
        assert_eq!(problems("https://collector:4317"), Vec::<String>::new());
        assert!(problems("http://collector:4317")[0].contains("headers_file must not go over plain http"));
        std::fs::write(&file, "canary\n").unwrap();
        assert!(!problems("https://collector:4317")[0].contains("canary"));
    }
}
