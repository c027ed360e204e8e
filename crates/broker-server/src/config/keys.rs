//! `[keys]`: the keys that wrap every other.

use std::path::PathBuf;
use std::sync::Arc;

use broker_crypto::OsEntropy;
use serde::Deserialize;

use super::{RotationKeysConfig, SecretText, TransitConfig};
use crate::key_source::{KeyProvider, KeySource};

/// `[keys]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    /// File of key encryption keys, newest first.
    pub kek_file: Option<PathBuf>,
    /// Directory with a file for each key encryption key.
    pub kek_dir: Option<PathBuf>,
    /// Which key of `kek_dir` wraps.
    pub kek_primary: Option<String>,
    /// Key encryption keys in place; meant for the environment.
    pub kek: Option<SecretText>,
    /// Keys of their own for what rotates tokens.
    pub rotation: Option<RotationKeysConfig>,
    /// Key encryption keys in a service.
    pub transit: Option<TransitConfig>,
}

impl KeysConfig {
    /// Who holds the keys.
    pub fn provider(&self) -> Result<KeyProvider, String> {
        let file = self.kek_file.clone().map(KeySource::File);
        let primary = self.kek_primary.clone();
        let directory = self.kek_dir.clone().map(|path| KeySource::Directory { path, primary });
        let inline = self.kek.clone().map(KeySource::Inline);
        let sources = [file, directory, inline].into_iter().flatten().map(KeyProvider::Source);
        let mut given = sources.chain(self.transit.clone().map(KeyProvider::Transit));
        match (given.next(), given.next()) {
            (Some(_), Some(_)) => {
                Err("[keys] set one of kek_file, kek_dir, kek and [keys.transit], not several".to_owned())
            }
            (Some(provider), None) => Ok(provider),
            (None, _) => {
                Err("[keys] none of kek_file, kek_dir, kek and [keys.transit] is set; make a key with \
                 `token-broker keys generate --out FILE`"
                    .to_owned())
            }
        }
    }

    /// Every problem, with its key. Nothing of the material is quoted.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = match self.provider() {
            Ok(KeyProvider::Source(source)) => source.read(Arc::new(OsEntropy)).err().into_iter().collect(),
            Ok(KeyProvider::Transit(transit)) => transit.checked().err().unwrap_or_default(),
            Err(problem) => vec![problem],
        };
        if self.kek_primary.is_some() && self.kek_dir.is_none() {
            problems.push("[keys] kek_primary names a key of kek_dir, which is not set".to_owned());
        }
        problems.extend(self.rotation.iter().flat_map(|rotation| rotation.problems(self)));
        problems
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const MATERIAL: &str = "kek-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn source(keys: &KeysConfig) -> KeySource {
        match keys.provider().unwrap() {
            KeyProvider::Source(source) => source,
            KeyProvider::Transit(_) => panic!("no source"),
        }
    }

    #[test]
    fn a_file_is_read_and_is_best_kept_to_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kek");
        let keys = KeysConfig { kek_file: Some(path.clone()), ..KeysConfig::default() };
        assert!(keys.problems()[0].contains(path.to_str().unwrap()));
        std::fs::write(&path, MATERIAL).unwrap();
        for (mode, exposed) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(source(&keys).exposed_file().is_some(), exposed, "{mode:o}");
        }
        assert_eq!(keys.problems(), [""; 0]);
    }

    #[test]
    fn bad_material_is_not_quoted() {
        let inline = SecretText::from("k:c2hvcnQ=".to_owned());
        let keys = KeysConfig { kek: Some(inline), ..KeysConfig::default() };
        let problem = &keys.problems()[0];
        assert!(problem.starts_with("[keys] kek: ") && !problem.contains("c2hvcnQ"), "{problem}");
    }

    #[test]
    fn one_source_is_named_and_a_primary_only_of_a_directory() {
        let file = KeysConfig { kek_file: Some("/kek".into()), ..KeysConfig::default() };
        let both = KeysConfig { kek_dir: Some("/keks".into()), ..file.clone() };
        assert!(both.provider().unwrap_err().contains("not several"));
        assert!(KeysConfig::default().provider().unwrap_err().contains("keys generate"));
        let both = KeysConfig { transit: Some(TransitConfig::default()), ..file.clone() };
        assert!(both.problems()[0].contains("[keys.transit], not several"));
        let stray = KeysConfig { kek_primary: Some("a".into()), ..file };
        assert!(stray.problems().iter().any(|problem| problem.contains("kek_primary")));
    }
}
