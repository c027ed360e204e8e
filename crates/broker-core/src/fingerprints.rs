//! Codes of upstream accounts and of refresh tokens, under keys that outlive every data key: the tenant's own keys are
//! rotated and retired, and a code under a retired key could be compared with nothing.

use broker_crypto::{KeyPurpose, MacKey, RefreshToken};
use tokio::sync::OnceCell;

use crate::{
    AccountDigest, AuditKeys, BrokerError, GrantKey, ProviderName, RefreshTokenFingerprint, TenantId,
    UpstreamAccount,
};

/// Makes the codes. The key is opened once, when it is first needed.
pub(crate) struct Fingerprints {
    keys: AuditKeys,
    opened: OnceCell<Opened>,
}

struct Opened {
    accounts: MacKey,
    refresh_tokens: MacKey,
}

impl Fingerprints {
    pub(crate) fn new(keys: AuditKeys) -> Self {
        Self { keys, opened: OnceCell::new() }
    }

    /// The code of an account. The same account has another one for another tenant.
    pub(crate) async fn account(
        &self,
        key: &GrantKey,
        account: &UpstreamAccount,
    ) -> Result<AccountDigest, BrokerError> {
        let parts = [key.tenant.as_str(), key.provider.as_str(), account.expose()].map(str::as_bytes);
        Ok(AccountDigest(self.opened().await?.accounts.code(&parts)))
    }

    /// The code of a refresh token.
    pub(crate) async fn refresh_token(
        &self,
        (tenant, provider): (&TenantId, &ProviderName),
        token: &RefreshToken,
    ) -> Result<RefreshTokenFingerprint, BrokerError> {
        let parts = [tenant.as_str(), provider.as_str(), token.expose()].map(str::as_bytes);
        Ok(RefreshTokenFingerprint(self.opened().await?.refresh_tokens.code(&parts)))
    }

    async fn opened(&self) -> Result<&Opened, BrokerError> {
        self.opened
            .get_or_try_init(|| async {
                let key = self.keys.kept_or_made(KeyPurpose::Rotation).await?;
                Ok(Opened {
                    accounts: key.derived("upstream accounts"),
                    refresh_tokens: key.derived("refresh tokens"),
                })
            })
            .await
    }
}
