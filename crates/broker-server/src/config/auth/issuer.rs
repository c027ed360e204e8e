//! `[[auth.jwt]]`: an issuer of tokens, and what is accepted of it.

use std::path::PathBuf;
use std::time::Duration;

use broker_crypto::jwt::{Algorithm, TokenRules};
use serde::Deserialize;
use url::Url;

use crate::auth::{KeyOrigin, KeyTimes};

/// More would accept tokens that ended long ago.
const MOST_LEEWAY: Duration = Duration::from_secs(300);

/// More often would be a burden to the issuer.
const LEAST_REFRESH: Duration = Duration::from_secs(1);

/// `[[auth.jwt]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IssuerConfig {
    /// The claim `iss`, exactly.
    pub issuer: String,
    /// The claim `aud` must name one of these.
    pub audiences: Vec<String>,
    /// The file of the issuer's keys.
    pub jwks_file: Option<PathBuf>,
    /// Where the issuer publishes its keys.
    pub jwks_url: Option<String>,
    /// Certificates (PEM) to trust for `jwks_url`, in addition to the system's.
    pub jwks_ca_file: Option<PathBuf>,
    /// The file of a bearer token to show at `jwks_url`.
    pub jwks_token_file: Option<PathBuf>,
    /// How often the keys of `jwks_url` are read again.
    #[serde(with = "humantime_serde")]
    pub jwks_refresh: Duration,
    /// How long keys are used after they could be read the last time.
    #[serde(with = "humantime_serde")]
    pub jwks_max_stale: Duration,
    /// The signature algorithms accepted, by their JOSE names.
    pub algorithms: Vec<String>,
    /// How far the issuer's clock may be off.
    #[serde(with = "humantime_serde")]
    pub leeway: Duration,
    /// The claim that names the caller.
    pub principal_claim: String,
    /// Put before the claim to make the principal.
    pub principal_prefix: String,
}

impl Default for IssuerConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audiences: Vec::new(),
            jwks_file: None,
            jwks_url: None,
            jwks_ca_file: None,
            jwks_token_file: None,
            jwks_refresh: Duration::from_secs(300),
            jwks_max_stale: Duration::from_secs(24 * 3600),
            algorithms: [Algorithm::Rs256, Algorithm::Es256].map(|name| name.as_str().to_owned()).into(),
            leeway: Duration::from_secs(30),
            principal_claim: "sub".to_owned(),
            principal_prefix: String::new(),
        }
    }
}

impl IssuerConfig {
    /// What is accepted of the issuer.
    pub(crate) fn rules(&self) -> Result<TokenRules, String> {
        Ok(TokenRules {
            issuer: self.issuer.clone(),
            audiences: self.audiences.clone(),
            algorithms: self.algorithms()?,
            leeway: i64::try_from(self.leeway.as_secs()).unwrap_or(i64::MAX),
            subject_claim: self.principal_claim.clone(),
        })
    }

    /// Where its keys are.
    pub(crate) fn key_origin(&self) -> Result<KeyOrigin, String> {
        match (&self.jwks_file, &self.jwks_url) {
            (Some(_), Some(_)) => Err("set either jwks_file or jwks_url, not both".to_owned()),
            (None, None) => Err("neither jwks_file nor jwks_url is set".to_owned()),
            (Some(_), None) if self.jwks_ca_file.is_some() || self.jwks_token_file.is_some() => {
                Err("jwks_ca_file and jwks_token_file go with jwks_url only".to_owned())
            }
            (Some(path), None) => Ok(KeyOrigin::File(path.clone())),
            (None, Some(url)) => self.url_origin(url),
        }
    }

    fn url_origin(&self, url: &str) -> Result<KeyOrigin, String> {
        let url = Url::parse(url).map_err(|error| format!("jwks_url is no URL: {error}"))?;
        broker_egress::screen(&url).map_err(|problem| format!("jwks_url: {problem}"))?;
        KeyOrigin::url(url, self.jwks_ca_file.as_deref(), self.jwks_token_file.clone())
    }

    /// How often its keys are read, and how long they last.
    pub(crate) fn key_times(&self) -> KeyTimes {
        KeyTimes { refresh: self.jwks_refresh, max_stale: self.jwks_max_stale }
    }

    fn algorithms(&self) -> Result<Vec<Algorithm>, String> {
        let known = |name: &String| Algorithm::from_name(name);
        let algorithms: Option<Vec<_>> = self.algorithms.iter().map(known).collect();
        algorithms.filter(|algorithms| !algorithms.is_empty()).ok_or_else(|| {
            let names = Algorithm::ALL.map(Algorithm::as_str).join(", ");
            format!(
                "algorithms must name one or more of {names}; those with a shared secret or none are refused"
            )
        })
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut refuse = |wrong: bool, problem: &str| wrong.then(|| problems.push(problem.to_owned()));
        refuse(self.issuer.is_empty(), "issuer is not set");
        refuse(
            self.audiences.is_empty() || self.audiences.iter().any(String::is_empty),
            "audiences must name what this broker is called in `aud`, for example [\"token-broker\"]",
        );
        refuse(self.leeway > MOST_LEEWAY, "leeway must not be longer than 5m");
        refuse(self.principal_claim.is_empty(), "principal_claim must not be empty");
        refuse(self.jwks_refresh < LEAST_REFRESH, "jwks_refresh must not be shorter than 1s");
        refuse(
            self.jwks_max_stale < self.jwks_refresh,
            "jwks_max_stale must not be shorter than jwks_refresh",
        );
        problems.extend(self.algorithms().err());
        problems.extend(self.key_origin().and_then(|origin| origin.check()).err());
        problems
    }
}

/// One issuer could name a caller of another: the principal would be the same.
pub(super) fn mistakable(issuers: &[IssuerConfig]) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, issuer) in issuers.iter().enumerate() {
        for (before, other) in issuers[..index].iter().enumerate() {
            let (one, two) = (before + 1, index + 1);
            if issuer.issuer == other.issuer {
                problems.push(format!(
                    "[[auth.jwt]] numbers {one} and {two}: the same issuer; nobody could say whose keys are meant"
                ));
            }
            if issuer.principal_prefix.starts_with(&other.principal_prefix)
                || other.principal_prefix.starts_with(&issuer.principal_prefix)
            {
                problems.push(format!(
                    "[[auth.jwt]] numbers {one} and {two}: give each a principal_prefix that does not begin with the \
                     other's, or one issuer could name the callers of the other"
                ));
            }
        }
    }
    problems
}
