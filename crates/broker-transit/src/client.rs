//! The three requests that are made of the engine.

use std::sync::Arc;

use broker_core::Clock;
use broker_crypto::DekMaterial;
use broker_egress::{ApiAnswer, ApiCall, Egress};
use zeroize::Zeroizing;

use crate::session::Session;
use crate::wire::{self, Data, Decrypt, Decrypted, Encrypt, Encrypted, Key};
use crate::{Address, Failure, Login};

/// Key types that authenticate associated data with 256 bits.
const FIT: [&str; 2] = ["aes256-gcm96", "chacha20-poly1305"];

/// Speaks with the service about one key.
pub(crate) struct Client {
    egress: Egress,
    address: Address,
    session: Session,
}

impl Client {
    pub(crate) fn new(address: Address, login: Login, egress: Egress, clock: Arc<dyn Clock>) -> Self {
        Self { egress, address, session: Session::new(login, clock) }
    }

    /// The newest version of the key, which encrypts.
    pub(crate) async fn newest_version(&self) -> Result<u32, Failure> {
        let body = self.ask("keys", None).await?;
        let Data { data: key } = wire::read::<Data<Key>>(&body, "about the key")?;
        if !FIT.contains(&key.kind.as_str()) {
            return Err(Failure::Unfit("its type must be aes256-gcm96 or chacha20-poly1305"));
        }
        match (key.derived, key.latest_version) {
            (true, _) => Err(Failure::Unfit("it is derived: make one without derivation")),
            (false, 0) => Err(Failure::Unreadable("about the key")),
            (false, version) => Ok(version),
        }
    }

    /// The ciphertext of a data key.
    pub(crate) async fn encrypt(&self, key: &DekMaterial, associated_data: &[u8]) -> Result<String, Failure> {
        let (plaintext, associated_data) = (wire::encoded(key.expose()), wire::encoded(associated_data));
        let request = Encrypt { plaintext: &plaintext, associated_data: &associated_data };
        let body = wire::json(&request, plaintext.len().max(associated_data.len()));
        let answer = self.ask("encrypt", Some(body)).await?;
        Ok(wire::read::<Data<Encrypted>>(&answer, "to encrypt")?.data.ciphertext)
    }

    /// The data key of a ciphertext.
    pub(crate) async fn decrypt(
        &self,
        ciphertext: &str,
        associated_data: &[u8],
    ) -> Result<DekMaterial, Failure> {
        let associated_data = wire::encoded(associated_data);
        let request = Decrypt { ciphertext, associated_data: &associated_data };
        let body = wire::json(&request, ciphertext.len().max(associated_data.len()));
        let answer = self.ask("decrypt", Some(body)).await?;
        wire::material(&wire::read::<Data<Decrypted>>(&answer, "to decrypt")?.data.plaintext)
    }

    /// Asks once; and once more if another token has come meanwhile than the one that is refused.
    async fn ask(
        &self,
        action: &str,
        body: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let token = self.session.token(&self.egress, &self.address).await?;
        match self.ask_with(&token, action, body.clone()).await {
            Err(Failure::Denied) => {
                let other = self.session.other_than(&token, &self.egress, &self.address).await?;
                self.ask_with(&other.ok_or(Failure::Denied)?, action, body).await
            }
            outcome => outcome,
        }
    }

    async fn ask_with(
        &self,
        token: &Zeroizing<String>,
        action: &str,
        body: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let headers = headers(&self.address, Some(token));
        let ApiAnswer { status, body } =
            self.egress.call(ApiCall { url: self.address.of_key(action), headers, body }).await?;
        match status {
            200 => Ok(body),
            status => Err(Failure::of_answer(status, &body)),
        }
    }
}

pub(crate) fn headers(
    address: &Address,
    token: Option<&Zeroizing<String>>,
) -> Vec<(&'static str, Zeroizing<String>)> {
    // An agent in between may insist on it: no browser can be made to send it.
    let mut headers = vec![("x-vault-request", Zeroizing::new("true".to_owned()))];
    headers.extend(address.namespace().map(|name| ("x-vault-namespace", Zeroizing::new(name.to_owned()))));
    headers.extend(token.map(|token| ("x-vault-token", token.clone())));
    headers
}
