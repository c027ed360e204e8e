//! Secrets that must not turn up, in any spelling.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Every spelling is at least this long; shorter ones would be found by chance.
const HEAD: usize = 12;

/// Secrets by value, each with what it is.
#[derive(Clone, Default)]
pub struct Canaries(BTreeMap<Vec<u8>, String>);

impl Canaries {
    /// Remembers a secret.
    pub fn add(&mut self, label: &str, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref();
        assert!(secret.len() >= HEAD, "{label} is too short to be looked for");
        self.0.insert(secret.to_owned(), label.to_owned());
    }

    /// Takes over the secrets of another set.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are of each kind.
    pub fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        self.0.values().for_each(|label| *kinds.entry(label.as_str()).or_default() += 1);
        kinds
    }

    /// What stands in which of the places, and how it is spelt. Nothing of a secret is shown.
    pub fn found_in<'a>(&self, places: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<String> {
        let mut needles: HashMap<[u8; HEAD], Vec<(Vec<u8>, String)>> = HashMap::new();
        for (secret, label) in &self.0 {
            for (spelling, needle) in spellings(secret) {
                let head = needle[..HEAD].try_into().unwrap();
                needles.entry(head).or_default().push((needle, format!("{label} as {spelling}")));
            }
        }
        let mut found = Vec::new();
        for (name, bytes) in places {
            for (at, head) in bytes.windows(HEAD).enumerate() {
                let candidates = needles.get(head).into_iter().flatten();
                let here = candidates.filter(|(needle, _)| bytes[at..].starts_with(needle));
                found.extend(here.map(|(_, what)| format!("{what} in {name} at byte {at}")));
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// A secret in every spelling by which a program might write it.
fn spellings(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let form: String = url::form_urlencoded::byte_serialize(secret).collect();
    let every_byte: String = secret.iter().map(|byte| format!("%{byte:02X}")).collect();
    let mut spellings = vec![
        ("it is", secret.to_owned()),
        ("hex", hex.to_uppercase().into_bytes()),
        ("hex", hex.into_bytes()),
        ("percent-encoding", form.into_bytes()),
        ("percent-encoding", every_byte.into_bytes()),
        ("a list of bytes", format!("{secret:?}").trim_matches(['[', ']']).as_bytes().to_owned()),
    ];
    for offset in 0..3 {
        spellings.push(("base64", base64_within(&STANDARD, secret, offset)));
        spellings.push(("base64url", base64_within(&URL_SAFE, secret, offset)));
    }
    spellings.retain(|(_, needle)| needle.len() >= HEAD);
    spellings.sort_by(|(_, a), (_, b)| a.cmp(b));
    spellings.dedup_by(|(_, a), (_, b)| a == b);
    spellings
}

/// The characters that the secret alone decides, where it stands `offset` bytes into a group of three.
fn base64_within(engine: &impl base64::Engine, secret: &[u8], offset: usize) -> Vec<u8> {
    let padded = [&[0; 2][..offset], secret].concat();
    let encoded = engine.encode(&padded);
    let (from, to) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
    encoded.as_bytes()[from..to].to_owned()
}

/// The PKCE verifiers in the bytes whose S256 challenge (RFC 7636 section 4.2) is one of these.
pub fn verifiers_in(bytes: &[u8], challenges: &[String], sha256: impl Fn(&[u8]) -> [u8; 32]) -> usize {
    const LENGTH: usize = 43;
    let in_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let runs = bytes.split(|byte| !in_alphabet(byte)).filter(|run| run.len() >= LENGTH);
    let windows = runs.flat_map(|run| run.windows(LENGTH));
    let challenge =
        |verifier: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha256(verifier));
    windows.filter(|window| challenges.contains(&challenge(window))).count()
}

/// Every file below a directory, with its content.
pub fn files_below(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            let content = fs::read(&path).unwrap();
            files.push((path, content));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_spelling_and_wherever_a_group_of_base64_begins() {
        let mut canaries = Canaries::default();
        let secret = "a-secret~with=every/kind+of character";
        canaries.add("canary", secret);
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut texts =
            vec![secret.to_owned(), form, hex.to_uppercase(), hex, format!("{:?}", secret.as_bytes())];
        for before in ["", "x", "xy", "id:"] {
            texts.push(STANDARD.encode(format!("{before}{secret}:and more")));
            texts.push(URL_SAFE.encode(format!("{before}{secret}")));
        }
        for text in texts {
            let haystack = format!("before {text} after");
            assert!(!canaries.found_in([("log", haystack.as_bytes())]).is_empty(), "{text}");
        }
        assert!(canaries.found_in([("log", &b"nothing but a-secret~with in it"[..])]).is_empty());
    }

    #[test]
    fn a_verifier_is_known_by_its_challenge() {
        // RFC 7636 appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let sha256 = broker_crypto::sha256;
        let count = |text: &str| verifiers_in(text.as_bytes(), &[challenge.to_owned()], sha256);
        assert_eq!(count(&format!("row {verifier}\0")), 1);
        assert_eq!(count(&format!("xx{verifier}yy")), 1);
        assert_eq!(count(challenge), 0);
    }
}
