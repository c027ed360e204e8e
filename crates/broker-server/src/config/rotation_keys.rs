//! `[keys.rotation]`: keys of their own for what rotates tokens.

use std::path::PathBuf;
use std::sync::Arc;

use broker_crypto::{KeyEncryption as _, OsEntropy};
use serde::Deserialize;

use super::{KeysConfig, SecretText, TransitConfig};
use crate::key_source::KeyProvider;

/// `[keys.rotation]`, by the rules of `[keys]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RotationKeysConfig {
    /// File of key encryption keys, newest first.
    pub kek_file: Option<PathBuf>,
    /// Directory with a file for each key encryption key.
    pub kek_dir: Option<PathBuf>,
    /// Which key of `kek_dir` wraps.
    pub kek_primary: Option<String>,
    /// Key encryption keys in place; meant for the environment.
    pub kek: Option<SecretText>,
    /// Key encryption keys in a service.
    pub transit: Option<TransitConfig>,
}

impl RotationKeysConfig {
    fn as_keys(&self) -> KeysConfig {
        KeysConfig {
            kek_file: self.kek_file.clone(),
            kek_dir: self.kek_dir.clone(),
            kek_primary: self.kek_primary.clone(),
            kek: self.kek.clone(),
            transit: self.transit.clone(),
            rotation: None,
        }
    }

    /// Who holds the keys.
    pub fn provider(&self) -> Result<KeyProvider, String> {
        self.as_keys().provider().map_err(of_this_section)
    }

    /// Every problem, with its key. `access` is the section these keys are set apart from.
    pub(super) fn problems(&self, access: &KeysConfig) -> Vec<String> {
        let mut problems: Vec<_> = self.as_keys().problems().into_iter().map(of_this_section).collect();
        problems.extend(self.shared_with(access));
        problems
    }

    /// A key that both sections name would be in the hands of processes that must not have it.
    fn shared_with(&self, access: &KeysConfig) -> Option<String> {
        let shared = match (self.provider().ok()?, access.provider().ok()?) {
            (KeyProvider::Source(own), KeyProvider::Source(access)) => {
                let (own, access) =
                    (own.read(Arc::new(OsEntropy)).ok()?, access.read(Arc::new(OsEntropy)).ok()?);
                own.ring.ids().into_iter().find(|id| access.ring.holds(id))?.as_str().to_owned()
            }
            // A key is told from others by its name alone, wherever it is.
            (KeyProvider::Transit(own), KeyProvider::Transit(access)) if own.key == access.key => own.key,
            _ => return None,
        };
        Some(format!(
            "[keys.rotation] names the key `{shared}`, which [keys] names too: make another with `token-broker keys generate \
             --kid NAME --out FILE`, or in the transit engine under another name"
        ))
    }
}

/// A text about `[keys]`, said of this section.
pub(crate) fn of_this_section(problem: String) -> String {
    problem.replace("[keys", "[keys.rotation")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(kid: &str) -> Option<SecretText> {
        Some(SecretText::from(format!("{kid}:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")))
    }

    #[test]
    fn it_obeys_the_rules_of_keys_under_its_own_name_and_shares_no_key() {
        let access = KeysConfig { kek: inline("a"), ..KeysConfig::default() };
        let problems = |kek| RotationKeysConfig { kek, ..RotationKeysConfig::default() }.problems(&access);
        assert_eq!(problems(inline("r")), [""; 0]);
        assert!(problems(inline("a"))[0].contains("`a`"));
        assert!(problems(None)[0].starts_with("[keys.rotation] none of kek_file"), "{:?}", problems(None));
        let transit = |key: &str| Some(TransitConfig { key: key.to_owned(), ..TransitConfig::default() });
        let access = KeysConfig { transit: transit("one"), ..KeysConfig::default() };
        let problems_of = |key| {
            RotationKeysConfig { transit: transit(key), ..RotationKeysConfig::default() }.problems(&access)
        };
        assert!(
            problems_of("one").iter().any(|problem| problem.contains("`one`")),
            "{:?}",
            problems_of("one")
        );
        assert!(problems_of("two").iter().all(|problem| problem.starts_with("[keys.rotation.transit] ")));
        let short = problems(Some(SecretText::from("k:c2hvcnQ=".to_owned())));
        assert!(short[0].starts_with("[keys.rotation] kek: ") && !short[0].contains("c2hvcnQ"), "{short:?}");
    }
}
