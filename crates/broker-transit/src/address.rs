//! Where the transit key is.

use broker_egress::screen;
use url::Url;

use crate::KeyName;
use crate::name::is_path_segment;

/// Where a transit key is, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    base: Url,
    mount: String,
    key: KeyName,
    namespace: Option<String>,
}

/// What is wrong with a part of an address or a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The part, as it is called in the configuration.
    pub field: &'static str,
    /// What is wrong and what would be right. Quotes no value.
    pub problem: String,
}

impl Invalid {
    fn new(field: &'static str, problem: impl std::fmt::Display) -> Self {
        Self { field, problem: problem.to_string() }
    }
}

impl Address {
    /// Checks every part and answers all that is wrong.
    ///
    /// `url` is that of the service, `mount` the path of the engine, `namespace` the `X-Vault-Namespace`.
    pub fn new(url: &str, mount: &str, key: &str, namespace: Option<&str>) -> Result<Self, Vec<Invalid>> {
        let mut problems = Vec::new();
        let base = base(url).map_err(|problem| problems.push(problem)).ok();
        let mount = path("mount", mount).map_err(|problem| problems.push(problem)).ok();
        let named = KeyName::new(key);
        if named.is_none() {
            problems.push(Invalid::new(
                "key",
                "must be 1 to 44 characters of A-Z a-z 0-9 . _ -, the first no `.`",
            ));
        }
        let namespace = namespace.map(|text| path("namespace", text)).transpose();
        let namespace = namespace.map_err(|problem| problems.push(problem)).ok();
        match (base, mount, named, namespace) {
            (Some(base), Some(mount), Some(key), Some(namespace)) => Ok(Self { base, mount, key, namespace }),
            _ => Err(problems),
        }
    }

    /// The transit key.
    pub fn key(&self) -> &KeyName {
        &self.key
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The URL of what the engine does with the key: `keys`, `encrypt` or `decrypt`.
    pub(crate) fn of_key(&self, action: &str) -> Url {
        self.below(&format!("{}/{action}/{}", self.mount, self.key.as_str()))
    }

    /// The URL of the login at `auth_mount`.
    pub(crate) fn of_login(&self, auth_mount: &str) -> Url {
        self.below(&format!("auth/{auth_mount}/login"))
    }

    fn below(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let base = self.base.path().trim_end_matches('/');
        url.set_path(&format!("{base}/v1/{path}"));
        url
    }
}

impl std::fmt::Display for Address {
    /// For people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.base.host_str().unwrap_or("-");
        write!(f, "key {} of {} at {host}", self.key.as_str(), self.mount)
    }
}

fn base(text: &str) -> Result<Url, Invalid> {
    let invalid = |problem: &dyn std::fmt::Display| Invalid::new("url", problem);
    let url =
        Url::parse(text).map_err(|_| invalid(&"must be a URL such as https://vault.example.com:8200"))?;
    screen(&url).map_err(|refused| invalid(&refused))?;
    match (url.query(), url.fragment()) {
        (None, None) => Ok(url),
        _ => Err(invalid(&"must have neither ? nor #")),
    }
}

/// A path without slashes at its ends.
pub(crate) fn path(field: &'static str, text: &str) -> Result<String, Invalid> {
    let trimmed = text.trim_matches('/');
    match trimmed.split('/').all(is_path_segment) {
        true => Ok(trimmed.to_owned()),
        false => Err(Invalid::new(field, "must be a path of A-Z a-z 0-9 . _ - with / between its parts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_put_together() {
        let address =
            Address::new("https://vault.example.com:8200/base/", "/team/transit/", "k", Some("ns/a/"));
        let address = address.unwrap();
        assert_eq!(
            address.of_key("encrypt").as_str(),
            "https://vault.example.com:8200/base/v1/team/transit/encrypt/k"
        );
        let plain = Address::new("http://127.0.0.1:8200", "transit", "k", None).unwrap();
        assert_eq!(plain.of_login("kubernetes").as_str(), "http://127.0.0.1:8200/v1/auth/kubernetes/login");
        assert_eq!((address.namespace(), plain.namespace()), (Some("ns/a"), None));
    }

    #[test]
    fn everything_wrong_is_named_at_once_and_no_value_is_quoted() {
        let problems = Address::new("http://s3cret.example.com", "a/../s3cret", "s3cret/x", Some("s3cret b"))
            .unwrap_err();
        let fields: Vec<_> = problems.iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["url", "mount", "key", "namespace"]);
        assert!(problems[0].problem.contains("plain http"), "{problems:?}");
        assert!(problems.iter().all(|problem| !problem.problem.contains("s3cret")), "{problems:?}");
        for url in ["", "vault:8200", "ftp://x", "https://u:p@x", "https://x?t=s3cret", "https://x#f"] {
            assert_eq!(Address::new(url, "transit", "k", None).unwrap_err()[0].field, "url", "{url}");
        }
    }
}
