//! A secret in the configuration.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use zeroize::Zeroizing;

/// Text that is not shown and is wiped on drop.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// A value that stands in place or in a file, white space at the end not counted. The error names the key, `section`
    /// included, and the file, never the value.
    pub(super) fn given(key: &str, text: Option<&Self>, file: Option<&Path>) -> Result<Option<Self>, String> {
        match (text, file) {
            (Some(_), Some(_)) => {
                Err(format!("{key}: set either it or {key_name}_file, not both", key_name = name(key)))
            }
            (Some(text), None) => Ok(Some(text.clone())),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map(Zeroizing::new);
                let text = text.map_err(|error| format!("{key}_file {}: {error}", path.display()))?;
                Ok(Some(Self::from(text.trim_end().to_owned())))
            }
            (None, None) => Ok(None),
        }
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn name(key: &str) -> &str {
    key.rsplit(' ').next().unwrap_or(key)
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText([redacted])")
    }
}
