//! The secrets of webhooks: made here, shown once, opened to sign.

use broker_crypto::{KeyPurpose, Sealed, WebhookSecret};

use crate::ports::{WebhookKey, WebhookSecrets};
use crate::{Broker, BrokerError, Timestamp, Webhook};

/// The number of a webhook's first secret.
pub(super) const FIRST: u32 = 1;

impl Broker {
    /// Makes a secret of that number, and seals it.
    pub(super) async fn make_webhook_secret(
        &self,
        key: &WebhookKey,
        number: u32,
    ) -> Result<(WebhookSecret, Sealed<WebhookSecret>), BrokerError> {
        let entropy = self.entropy.as_ref();
        let secret = WebhookSecret::generate(entropy);
        let owner = Webhook::owner(key.id);
        let keys = self.keys.of(&key.tenant).await?;
        let right = self.keys.right_to_new(&key.tenant, &keys, KeyPurpose::Rotation).await?;
        let sealed = right.seal(&secret, Webhook::place(&key.tenant, &owner, number), entropy)?;
        Ok((secret, sealed))
    }

    /// Every secret that signs at that time, the newest first.
    pub(super) async fn signing_secrets(
        &self,
        key: &WebhookKey,
        secrets: &WebhookSecrets,
        at: Timestamp,
    ) -> Result<Vec<WebhookSecret>, BrokerError> {
        let mut open = vec![self.open_webhook_secret(key, &secrets.current, secrets.number).await?];
        if let Some((old, until)) = &secrets.old
            && at < *until
        {
            open.push(self.open_webhook_secret(key, old, secrets.number - 1).await?);
        }
        Ok(open)
    }

    pub(super) async fn open_webhook_secret(
        &self,
        key: &WebhookKey,
        sealed: &Sealed<WebhookSecret>,
        number: u32,
    ) -> Result<WebhookSecret, BrokerError> {
        let opening = self.keys.opening(&key.tenant, sealed.key_id()).await?;
        let owner = Webhook::owner(key.id);
        Ok(opening.open(sealed, Webhook::place(&key.tenant, &owner, number))?)
    }
}
