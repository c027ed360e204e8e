//! `[auth]`: how callers are known.

mod issuer;
mod trust_domain;

use serde::Deserialize;

pub use self::issuer::IssuerConfig;
pub use self::trust_domain::TrustDomainConfig;

/// `[auth]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// How callers are known.
    pub mode: AuthMode,
    /// Whose certificates are accepted in mode `mtls`.
    pub mtls: Vec<TrustDomainConfig>,
    /// Whose tokens are accepted in mode `jwt`.
    pub jwt: Vec<IssuerConfig>,
}

/// How callers are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// No credentials, loopback only: metadata `x-tokenbroker-principal` names the caller.
    #[default]
    Dev,
    /// A client certificate: the caller is the SPIFFE id in it.
    Mtls,
    /// A bearer token of a configured issuer.
    Jwt,
}

impl AuthMode {
    /// The keyword.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Mtls => "mtls",
            Self::Jwt => "jwt",
        }
    }
}

impl AuthConfig {
    /// Every problem, with its key.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (section, mode, there) in
            [("mtls", AuthMode::Mtls, !self.mtls.is_empty()), ("jwt", AuthMode::Jwt, !self.jwt.is_empty())]
        {
            match (self.mode == mode, there) {
                (true, false) => {
                    problems.push(format!("[auth] mode = \"{section}\" needs a [[auth.{section}]] at least"))
                }
                (false, true) => problems.push(format!(
                    "[[auth.{section}]] has no effect in mode \"{}\"; take it out or change [auth] mode",
                    self.mode.as_str()
                )),
                _ => {}
            }
        }
        problems.extend(numbered("mtls", self.mtls.iter().map(TrustDomainConfig::problems)));
        problems.extend(numbered("jwt", self.jwt.iter().map(IssuerConfig::problems)));
        problems.extend(trust_domain::named_twice(&self.mtls));
        problems.extend(issuer::mistakable(&self.jwt));
        problems
    }
}

/// The entries of a list have no names; they are told by their number.
fn numbered(section: &str, entries: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let of_entry = |(index, problems): (usize, Vec<String>)| {
        problems.into_iter().map(move |problem| (index + 1, problem)).collect::<Vec<_>>()
    };
    let numbered = entries.enumerate().flat_map(of_entry);
    numbered.map(|(number, problem)| format!("[[auth.{section}]] number {number}: {problem}")).collect()
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
