//! A new data key of each purpose, and everything that older ones sealed sealed anew.

use broker_crypto::{DekId, KeyPurpose, TenantKeys, generate_dek};

use super::worker::{Stopped, Worker};
use crate::ports::{RowId, SealedRow, SealedUnder};
use crate::{BrokerError, KeyRotationWalk, TenantId};

/// What came of one pass over a tenant.
#[derive(Debug, Default)]
struct Pass {
    /// Values sealed anew.
    resealed: u64,
    /// Rows that changed while they were at work: under which key is seen on the next pass.
    moved: u64,
    /// Values that do not open.
    failed: u64,
}

impl Worker<'_> {
    /// Seals a tenant's values anew. On the last walk until nothing is left that opens.
    pub(super) async fn reseal(&mut self, tenant: &TenantId) -> Result<(), Stopped> {
        if self.rotation.walk == KeyRotationWalk::First {
            self.make_keys(tenant).await?;
            self.pass(tenant).await?;
            return Ok(());
        }
        loop {
            let pass = self.pass(tenant).await?;
            if pass.resealed + pass.moved == 0 {
                self.rotation.failed += pass.failed;
                return Ok(());
            }
        }
    }

    /// One new key for each purpose, however often the rotation is taken up.
    async fn make_keys(&self, tenant: &TenantId) -> Result<(), BrokerError> {
        let broker = self.broker;
        for purpose in KeyPurpose::ALL {
            let encryption = broker.keys.encryption.as_ref();
            let key = generate_dek(encryption, tenant.as_str(), purpose, broker.entropy.as_ref()).await?;
            let now = broker.clock.now();
            if broker.key_store.add_data_key(tenant, &key, self.rotation.id, now).await? {
                tracing::info!(%tenant, key = %key.id, purpose = purpose.as_str(), "data key made");
            }
        }
        broker.keys.reload(tenant).await
    }

    async fn pass(&mut self, tenant: &TenantId) -> Result<Pass, Stopped> {
        let keys = self.broker.keys.of(tenant).await?;
        let mut pass = Pass::default();
        for table in self.broker.sealed_tables() {
            let mut after: Option<RowId> = None;
            while let Some(page) =
                self.broker.sealed_page(tenant, table, after.as_ref()).await.map_err(BrokerError::from)?
            {
                let before = pass.resealed;
                self.reseal_page(tenant, &keys, table, &page, &mut pass).await?;
                self.count_done(pass.resealed - before);
                self.note().await?;
                after = page.into_iter().next_back().map(|last| last.row);
            }
        }
        Ok(pass)
    }

    async fn reseal_page(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        table: &'static str,
        page: &[SealedUnder],
        pass: &mut Pass,
    ) -> Result<(), BrokerError> {
        for under in page {
            let newest = newest(keys)?;
            if under.keys.iter().all(|key| key.is_some_and(|key| newest.contains(&key))) {
                continue;
            }
            match self.broker.sealed.sealed_row(tenant, table, &under.row).await? {
                Some(row) => self.reseal_row(tenant, keys, &row, pass).await?,
                None => pass.moved += 1,
            }
        }
        Ok(())
    }

    /// All values of a row at once, or none: what does not open stays as it is.
    async fn reseal_row(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        row: &SealedRow,
        pass: &mut Pass,
    ) -> Result<(), BrokerError> {
        let newest = newest(keys)?;
        let mut resealed = 0;
        let mut envelopes = Vec::with_capacity(row.values.len());
        for value in &row.values {
            let under = DekId::of_envelope_head(&value.envelope);
            if under.is_some_and(|key| newest.contains(&key)) {
                envelopes.push(value.envelope.clone());
                continue;
            }
            let place = value.place(tenant);
            let right = self.broker.keys.right_to_new(tenant, keys, value.secret.purpose()).await?;
            match keys.reseal(right, &value.envelope, value.secret, place, self.broker.entropy.as_ref()) {
                Ok(envelope) => {
                    resealed += 1;
                    envelopes.push(envelope);
                }
                Err(error) => {
                    pass.failed += 1;
                    tracing::error!(
                        %tenant, table = row.table, column = value.column, row = row.row.0, %error,
                        "a sealed value does not open; it is left as it is"
                    );
                    envelopes.push(value.envelope.clone());
                }
            }
        }
        if resealed > 0 {
            match self.broker.sealed.reseal(tenant, row, &envelopes).await? {
                true => pass.resealed += resealed,
                false => pass.moved += 1,
            }
        }
        Ok(())
    }
}

fn newest(keys: &TenantKeys) -> Result<Vec<DekId>, BrokerError> {
    let newest = KeyPurpose::ALL.map(|purpose| keys.newest(purpose).map(|key| key.id()));
    Ok(newest.into_iter().collect::<Result<_, _>>()?)
}
