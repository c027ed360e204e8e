//! `[keys]`: the keys that wrap every other.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use broker_crypto::KeyRing;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::SecretText;

/// `[keys]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    /// File of key encryption keys, newest first.
    pub kek_file: Option<PathBuf>,
    /// The same, in place; meant for the environment.
    pub kek: Option<SecretText>,
}

impl KeysConfig {
    /// The keys. The error names the place and quotes nothing of the material.
    pub fn ring(&self) -> Result<KeyRing, String> {
        match (&self.kek_file, &self.kek) {
            (Some(_), Some(_)) => Err("[keys] set either kek_file or kek, not both".to_owned()),
            (Some(path), None) => {
                let told = |problem: &dyn std::fmt::Display| {
                    format!("[keys] kek_file {}: {problem}", path.display())
                };
                let material = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|e| told(&e))?;
                KeyRing::parse(&material).map_err(|error| told(&error))
            }
            (None, Some(material)) => {
                KeyRing::parse(material.expose()).map_err(|error| format!("[keys] kek: {error}"))
            }
            (None, None) => Err(
                "[keys] neither kek_file nor kek is set; make a key with `token-broker keys generate --out FILE`"
                    .to_owned(),
            ),
        }
    }

    /// The place the keys come from, for texts.
    pub fn place(&self) -> String {
        match &self.kek_file {
            Some(path) => format!("kek_file {}", path.display()),
            None => "kek".to_owned(),
        }
    }

    /// The key file, if others than its owner may read it.
    pub fn exposed_file(&self) -> Option<&Path> {
        let path = self.kek_file.as_deref()?;
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        (mode & 0o044 != 0).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MATERIAL: &str = "kek-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn a_file_is_read_and_is_best_kept_to_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kek");
        let keys = KeysConfig { kek_file: Some(path.clone()), kek: None };
        assert!(keys.ring().unwrap_err().contains(path.to_str().unwrap()));
        std::fs::write(&path, MATERIAL).unwrap();
        for (mode, exposed) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(keys.exposed_file().is_some(), exposed, "{mode:o}");
        }
        assert!(keys.ring().is_ok());
    }

    #[test]
    fn bad_material_is_not_quoted() {
        let keys = KeysConfig { kek_file: None, kek: Some(SecretText::from("k:c2hvcnQ=".to_owned())) };
        let problem = keys.ring().unwrap_err();
        assert!(problem.starts_with("[keys] kek: ") && !problem.contains("c2hvcnQ"), "{problem}");
    }
}
