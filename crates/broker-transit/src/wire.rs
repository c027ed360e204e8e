//! What is written to the service, and what it answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker_crypto::DekMaterial;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Failure;

#[derive(Serialize)]
pub(crate) struct Encrypt<'a> {
    pub(crate) plaintext: &'a str,
    pub(crate) associated_data: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Decrypt<'a> {
    pub(crate) ciphertext: &'a str,
    pub(crate) associated_data: &'a str,
}

#[derive(Serialize)]
pub(crate) struct LogIn<'a> {
    pub(crate) role: &'a str,
    pub(crate) jwt: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct Data<T> {
    pub(crate) data: T,
}

#[derive(Deserialize)]
pub(crate) struct Encrypted {
    pub(crate) ciphertext: String,
}

#[derive(Deserialize)]
pub(crate) struct Decrypted {
    pub(crate) plaintext: Wiped,
}

#[derive(Deserialize)]
pub(crate) struct Key {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) latest_version: u32,
    #[serde(default)]
    pub(crate) derived: bool,
}

#[derive(Deserialize)]
pub(crate) struct LoggedIn {
    pub(crate) auth: Auth,
}

#[derive(Deserialize)]
pub(crate) struct Auth {
    pub(crate) client_token: Wiped,
    /// Seconds; 0 for ever.
    pub(crate) lease_duration: u64,
}

/// Text that is wiped on drop.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(crate) struct Wiped(pub(crate) Zeroizing<String>);

impl From<String> for Wiped {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// As JSON, into one buffer that never moves, so that wiping it leaves no copy behind.
#[expect(
    clippy::expect_used,
    reason = "never fails because a struct of texts has a form in JSON and a Vec takes it all"
)]
pub(crate) fn json(request: &impl Serialize, longest_text: usize) -> Zeroizing<Vec<u8>> {
    // Escaping makes six characters of one at most.
    let mut body = Zeroizing::new(Vec::with_capacity(256 + 12 * longest_text));
    serde_json::to_writer(&mut *body, request).expect("texts are written to memory");
    body
}

/// Back from JSON. The error names what was read, never its content.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8], what: &'static str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|_| Failure::Unreadable(what))
}

pub(crate) fn encoded(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}

/// The data key that was decrypted.
pub(crate) fn material(plaintext: &Wiped) -> Result<DekMaterial, Failure> {
    let bytes = STANDARD.decode(plaintext.0.as_bytes()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| Failure::Unreadable("the plaintext is not base64"))?;
    DekMaterial::from_opened(&bytes).map_err(|_| Failure::Unreadable("the plaintext is no data key"))
}
