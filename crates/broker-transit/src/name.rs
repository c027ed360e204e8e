//! What a version of a transit key is called among key encryption keys.

use broker_crypto::KekId;

/// Before the name of the transit key.
const PREFIX: &str = "transit.";

/// So that the longest version fits into the 64 characters of a [`KekId`].
const LONGEST: usize = 44;

/// Name of a transit key: 1 to 44 characters of `A-Z a-z 0-9 . _ -`, the first of them no `.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// Checks the name.
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=LONGEST).contains(&name.len()) && is_path_segment(name);
        fits.then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key encryption key that a version is: `transit.NAME.vN`.
    #[expect(
        clippy::expect_used,
        reason = "never fails because the length of the name leaves room for any version"
    )]
    pub fn kek(&self, version: u32) -> KekId {
        KekId::new(&format!("{PREFIX}{}.v{version}", self.0))
            .expect("the parts are short and of its characters")
    }

    /// The version that a key encryption key is of this key; `None` if it is another's.
    pub fn version(&self, kek: &KekId) -> Option<u32> {
        let digits = kek.as_str().strip_prefix(PREFIX)?.strip_prefix(self.as_str())?.strip_prefix(".v")?;
        digits.parse().ok().filter(|version| self.kek(*version) == *kek)
    }
}

/// Stands for itself in the path of a URL, and leads nowhere else.
pub(crate) fn is_path_segment(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// The version that a ciphertext of transit names: `vault:vN:...`.
pub(crate) fn version_of(ciphertext: &str) -> Option<u32> {
    let (version, rest) = ciphertext.strip_prefix("vault:v")?.split_once(':')?;
    version.parse().ok().filter(|version| *version > 0 && !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_key_encryption_key_and_back() {
        for name in ["broker", "a.b_c-d", "k.v1", &"x".repeat(LONGEST)] {
            let name = KeyName::new(name).unwrap();
            for version in [1, 12, u32::MAX] {
                assert_eq!(name.version(&name.kek(version)), Some(version), "{name:?}");
            }
        }
        assert_eq!(KeyName::new("broker").unwrap().kek(3).as_str(), "transit.broker.v3");
    }

    #[test]
    fn keys_of_others_are_not_this_ones() {
        let name = KeyName::new("broker").unwrap();
        for other in
            ["kek-1", "transit.broker", "transit.broker.v", "transit.broker.v03", "transit.broker2.v1"]
        {
            assert_eq!(name.version(&KekId::new(other).unwrap()), None, "{other}");
        }
    }

    #[test]
    fn names_lead_nowhere_else() {
        for bad in ["", ".", "..", ".k", "a/b", "a b", "a%2fb", "ä", &"x".repeat(LONGEST + 1)] {
            assert_eq!(KeyName::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn ciphertexts_name_their_version() {
        assert_eq!(version_of("vault:v12:AAAA"), Some(12));
        for bad in ["vault:v0:AAAA", "vault:v1:", "vault:1:AAAA", "vault:v:AAAA", "v1:AAAA", "vault:v1"] {
            assert_eq!(version_of(bad), None, "{bad}");
        }
    }
}
