//! One transit key and who may use it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker_crypto::OsEntropy;
use broker_crypto::testing::TestKey;
use serde_json::{Value, json};

use super::TOKEN;

/// A status and a body.
pub(super) type Reply = (u16, Value);

pub(super) struct Engine {
    pub(super) versions: Vec<TestKey>,
    pub(super) min_decryption_version: usize,
    pub(super) kind: String,
    pub(super) token: String,
    pub(super) namespace: Option<String>,
    /// Role, token and seconds of a lease.
    pub(super) service_account: Option<(String, String, u64)>,
    logins: usize,
    pub(super) breaches: Vec<String>,
}

impl Engine {
    pub(super) fn new() -> Self {
        Self {
            versions: vec![TestKey::generate(&OsEntropy)],
            min_decryption_version: 1,
            kind: "aes256-gcm96".to_owned(),
            token: TOKEN.to_owned(),
            namespace: None,
            service_account: None,
            logins: 0,
            breaches: Vec::new(),
        }
    }

    pub(super) fn rotate(&mut self) {
        self.versions.push(TestKey::generate(&OsEntropy));
    }

    pub(super) fn describe(&self) -> Reply {
        if self.versions.is_empty() {
            return (404, json!({ "errors": [] }));
        }
        let data = json!({
            "type": self.kind, "latest_version": self.versions.len(), "derived": false,
            "min_decryption_version": self.min_decryption_version, "supports_encryption": true,
        });
        (200, json!({ "request_id": "1", "data": data }))
    }

    pub(super) fn encrypt(&self, plaintext: &[u8], associated_data: &[u8]) -> Reply {
        let Some(newest) = self.versions.last() else { return refused("encryption key not found") };
        let sealed = STANDARD.encode(newest.seal(plaintext, associated_data, &OsEntropy));
        let version = self.versions.len();
        let data = json!({ "ciphertext": format!("vault:v{version}:{sealed}"), "key_version": version });
        (200, json!({ "data": data }))
    }

    pub(super) fn decrypt(&self, ciphertext: &str, associated_data: &[u8]) -> Reply {
        if self.versions.is_empty() {
            return refused("encryption key not found");
        }
        let parts = ciphertext.strip_prefix("vault:v").and_then(|rest| rest.split_once(':'));
        let Some((version, sealed)) = parts else { return refused("invalid ciphertext: no prefix") };
        let version: usize = version.parse().unwrap();
        if version < self.min_decryption_version {
            return refused("ciphertext or signature version is disallowed by policy (too old)");
        }
        let Some(key) = self.versions.get(version - 1) else {
            return refused("invalid ciphertext: version is too new");
        };
        match key.open(&STANDARD.decode(sealed).unwrap(), associated_data) {
            Ok(plaintext) => (200, json!({ "data": { "plaintext": STANDARD.encode(&*plaintext) } })),
            Err(_) => refused("cipher: message authentication failed"),
        }
    }

    /// A login has a token of its own, and earlier ones are revoked.
    pub(super) fn log_in(&mut self, role: &str, jwt: &str) -> Reply {
        match &self.service_account {
            Some((known, token, seconds)) if known == role && token == jwt => {
                self.logins += 1;
                self.token = format!("hvs.of-login-{}", self.logins);
                let auth =
                    json!({ "client_token": self.token, "lease_duration": seconds, "renewable": true });
                (200, json!({ "auth": auth }))
            }
            _ => (403, json!({ "errors": ["permission denied"] })),
        }
    }
}

pub(super) fn refused(problem: &str) -> Reply {
    (400, json!({ "errors": [problem] }))
}
