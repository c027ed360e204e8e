//! What callers ask for: from the answer on, nothing of the grant is vended, claimed or sent.

use crate::{Actor, AuditRecord, Broker, BrokerError, Grant, GrantKey};

impl Broker {
    /// Revokes a grant: no token of it is served from the moment of this answer; the provider is told in the background.
    /// Idempotent.
    pub async fn revoke_grant(&self, key: &GrantKey, by: &Actor) -> Result<Grant, BrokerError> {
        self.provider(&key.provider)?;
        let record = by.did(Some(&key.tenant), self.clock.now());
        self.revoke_all(std::slice::from_ref(key), &record).await?;
        Ok(self.grants.vendable(key).await?.ok_or(BrokerError::GrantNotFound)?.grant)
    }

    /// Makes the revocation of these grants durable, and tells everybody. Answers how many were not revoked before.
    pub(super) async fn revoke_all(
        &self,
        keys: &[GrantKey],
        record: &AuditRecord,
    ) -> Result<usize, BrokerError> {
        let revoked = self.revocations.revoke(keys, record.at, record).await;
        // Before the error is looked at: a commit whose answer was lost stands all the same.
        self.spread(keys);
        let revoked = revoked?;
        for key in &revoked {
            tracing::info!(grant = %key.grant_id(), tenant = %key.tenant, provider = %key.provider, "grant revoked");
        }
        self.to_revoke.notify_one();
        Ok(revoked.len())
    }
}
