//! `[keys.rotation]`: keys of their own for what rotates tokens.

use std::path::PathBuf;
use std::sync::Arc;

use broker_crypto::{KeyEncryption as _, OsEntropy};
use serde::Deserialize;

use super::{KeysConfig, SecretText};
use crate::key_source::KeySource;

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
}

impl RotationKeysConfig {
    fn as_keys(&self) -> KeysConfig {
        KeysConfig {
            kek_file: self.kek_file.clone(),
            kek_dir: self.kek_dir.clone(),
            kek_primary: self.kek_primary.clone(),
            kek: self.kek.clone(),
            rotation: None,
        }
    }

    /// Where the keys are read from.
    pub fn source(&self) -> Result<KeySource, String> {
        self.as_keys().source().map_err(of_this_section)
    }

    /// The key file, if others than its owner may read it.
    pub fn exposed_file(&self) -> Option<PathBuf> {
        self.as_keys().exposed_file().map(ToOwned::to_owned)
    }

    /// Every problem, with its key. `access` is the section these keys are set apart from.
    pub(super) fn problems(&self, access: &KeysConfig) -> Vec<String> {
        let mut problems: Vec<_> = self.as_keys().problems().into_iter().map(of_this_section).collect();
        problems.extend(self.shared_with(access));
        problems
    }

    /// A key that both sections name would be in the hands of processes that must not have it.
    fn shared_with(&self, access: &KeysConfig) -> Option<String> {
        let read = |source: Result<KeySource, String>| source.ok()?.read(Arc::new(OsEntropy)).ok();
        let (own, access) = (read(self.source())?.ring, read(access.source())?.ring);
        let shared = own.ids().into_iter().find(|id| access.holds(id))?;
        Some(format!(
            "[keys.rotation] names the key `{}`, which [keys] names too: make another with `token-broker keys generate \
             --kid NAME --out FILE`",
            shared.as_str()
        ))
    }
}

/// A text about `[keys]`, said of this section.
pub(crate) fn of_this_section(problem: String) -> String {
    problem.replacen("[keys]", "[keys.rotation]", 1)
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
        let short = problems(Some(SecretText::from("k:c2hvcnQ=".to_owned())));
        assert!(short[0].starts_with("[keys.rotation] kek: ") && !short[0].contains("c2hvcnQ"), "{short:?}");
    }
}
