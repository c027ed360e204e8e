//! `[keys.transit]`: key encryption keys in the transit engine of Vault or OpenBao.

use std::path::PathBuf;
use std::time::Duration;

use broker_transit::{Address, Invalid, KubernetesLogin, Login};
use serde::Deserialize;

/// `[keys.transit]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransitConfig {
    /// The service.
    pub url: String,
    /// Where the engine is mounted.
    pub mount: String,
    /// Name of the transit key.
    pub key: String,
    /// The namespace of everything, if any.
    pub namespace: Option<String>,
    /// A file that somebody keeps a token in.
    pub token_file: Option<PathBuf>,
    /// Login with a Kubernetes service account instead.
    pub kubernetes: Option<KubernetesConfig>,
    /// How long a start waits for a service that cannot be used.
    #[serde(with = "humantime_serde")]
    pub start_within: Duration,
}

impl Default for TransitConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            mount: "transit".to_owned(),
            key: String::new(),
            namespace: None,
            token_file: None,
            kubernetes: None,
            start_within: Duration::from_secs(30),
        }
    }
}

/// `[keys.transit.kubernetes]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesConfig {
    /// The role to log in with.
    pub role: String,
    /// Where the auth method is mounted.
    pub auth_mount: String,
    /// The file of the service account's token.
    pub token_file: PathBuf,
}

impl Default for KubernetesConfig {
    fn default() -> Self {
        Self {
            role: String::new(),
            auth_mount: "kubernetes".to_owned(),
            token_file: "/var/run/secrets/kubernetes.io/serviceaccount/token".into(),
        }
    }
}

impl TransitConfig {
    /// Where the key is and how to log in, or every problem with its field.
    pub fn checked(&self) -> Result<(Address, Login), Vec<String>> {
        let address = Address::new(&self.url, &self.mount, &self.key, self.namespace.as_deref());
        let address = address.map_err(|problems| told("[keys.transit]", problems));
        match (address, self.login()) {
            (Ok(address), Ok(login)) => Ok((address, login)),
            (address, login) => Err(address.err().into_iter().chain(login.err()).flatten().collect()),
        }
    }

    fn login(&self) -> Result<Login, Vec<String>> {
        match (&self.token_file, &self.kubernetes) {
            (Some(path), None) => Ok(Login::TokenFile(path.clone())),
            (None, Some(login)) => login.login(),
            (None, None) => {
                Err(vec!["[keys.transit] token_file is not set, and there is no kubernetes".to_owned()])
            }
            (Some(_), Some(_)) => {
                Err(vec!["[keys.transit] set one of token_file and kubernetes, not both".to_owned()])
            }
        }
    }
}

impl KubernetesConfig {
    fn login(&self) -> Result<Login, Vec<String>> {
        let login = KubernetesLogin::new(&self.role, &self.auth_mount, self.token_file.clone());
        login.map(Login::Kubernetes).map_err(|problems| told("[keys.transit.kubernetes]", problems))
    }
}

fn told(section: &str, problems: Vec<Invalid>) -> Vec<String> {
    problems.into_iter().map(|Invalid { field, problem }| format!("{section} {field} {problem}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> TransitConfig {
        TransitConfig {
            url: "https://vault.example.com:8200".to_owned(),
            key: "broker".to_owned(),
            token_file: Some("/run/vault/token".into()),
            ..TransitConfig::default()
        }
    }

    #[test]
    fn a_token_file_or_a_service_account_logs_in() {
        assert!(matches!(whole().checked().unwrap().1, Login::TokenFile(_)));
        let role = KubernetesConfig { role: "broker".to_owned(), ..KubernetesConfig::default() };
        let pod = TransitConfig { token_file: None, kubernetes: Some(role.clone()), ..whole() };
        assert!(matches!(pod.checked().unwrap().1, Login::Kubernetes(_)));
        let both = TransitConfig { kubernetes: Some(role), ..whole() };
        assert!(both.checked().unwrap_err()[0].contains("token_file and kubernetes, not both"));
        let neither = TransitConfig { token_file: None, ..whole() };
        assert!(neither.checked().unwrap_err()[0].contains("token_file is not set"));
    }

    #[test]
    fn every_field_that_is_wrong_is_named() {
        let url = TransitConfig { url: "http://vault.example.com".to_owned(), ..whole() };
        let problems = url.checked().unwrap_err();
        assert!(problems[0].starts_with("[keys.transit] url plain http"), "{problems:?}");
        let kubernetes =
            Some(KubernetesConfig { auth_mount: "a b".to_owned(), ..KubernetesConfig::default() });
        let problems = TransitConfig { kubernetes, ..TransitConfig::default() }.checked().unwrap_err();
        for field in
            ["[keys.transit] url", "[keys.transit] key", "[keys.transit.kubernetes] role", "auth_mount"]
        {
            assert!(problems.iter().any(|problem| problem.contains(field)), "{field}: {problems:?}");
        }
    }
}
