//! The walk over everything that is sealed.

use std::collections::BTreeSet;
use std::sync::Arc;

use broker_crypto::{DataEncryptionKey, DekId, DekMaterial, KeyPurpose, Sealed, SeededEntropy, TenantKeys};

use super::World;
use super::samples::{NOW, after, key, key_of, record, tenant_id};
use super::webhooks::secret_change;
use crate::ports::{AttemptEnd, ChangeOutcome, EscrowRecord, MachineCredentialOutcome, RowId, SealedRow};
use crate::{Phase, TenantId};

/// The same keys for every tenant: only places keep values apart.
fn keys() -> TenantKeys {
    let entropy = SeededEntropy::new(1);
    let opened = KeyPurpose::ALL.map(|purpose| {
        let material = DekMaterial::generate(&entropy);
        let key = DataEncryptionKey::from_material(DekId::generate(&entropy), purpose, &material);
        key.add_seals(1000, 1000);
        Arc::new(key)
    });
    TenantKeys::new(opened.into())
}

impl World {
    /// Something of every kind that is sealed.
    async fn fill(&self, tenant: &str) {
        for user in ["ada", "bob"] {
            let key = key_of(tenant, user);
            self.grant(&key).await;
            self.authorization(&key).await;
            let attempt = self.claim(&key, 1).await.attempt;
            self.send(&attempt).await;
            let attempt = self.kept(&attempt).await;
            let unread = EscrowRecord {
                attempt: attempt.clone(),
                status: 502,
                received_at: NOW,
                body: Sealed::from_bytes(b"an answer".to_vec()),
            };
            let end = self.end_of(&attempt, Some(after(Phase::Uncertain, true)));
            let end = AttemptEnd { conclusion: "unreadable", unread: Some(unread), ..end };
            assert!(self.grants.close_attempt(&end).await.unwrap());
        }
        assert_eq!(self.put(&key_of(tenant, "nvr")).await, MachineCredentialOutcome::Created);
        let hook = self.hook(tenant).await;
        let rotated = self.webhooks.replace_webhook_secret(&secret_change(&hook, 1), &record()).await;
        assert_eq!(rotated.unwrap(), ChangeOutcome::Changed);
        self.put_with_token(&key_of(tenant, "m2m")).await;
        self.device_authorization(&key_of(tenant, "dora")).await;
        self.awaiting(&key_of(tenant, "eve")).await;
        let revoked = key_of(tenant, "cy");
        self.grant(&revoked).await;
        assert!(self.revoke(&revoked).await);
    }

    async fn sealed_rows(&self, tenant: &TenantId) -> Vec<SealedRow> {
        let mut rows = Vec::new();
        let mut tables: Vec<_> = self.sealed.sealed_columns().into_iter().map(|(table, _)| table).collect();
        tables.dedup();
        for table in tables {
            for under in self.sealed.sealed_under(tenant, table, None, 100).await.unwrap() {
                let row = self.sealed.sealed_row(tenant, table, &under.row).await.unwrap().unwrap();
                assert_eq!(row.values.len(), under.keys.len());
                rows.push(row);
            }
        }
        rows
    }

    /// Puts real secrets where the samples have none.
    async fn seal_all(&self, tenant: &TenantId, keys: &TenantKeys) {
        for row in self.sealed_rows(tenant).await.into_iter().filter(|row| !row.values.is_empty()) {
            let seal = |value: &crate::ports::SealedValue| {
                keys.seal_of(b"secret", value.secret, value.place(tenant), &SeededEntropy::new(7)).unwrap()
            };
            let envelopes: Vec<_> = row.values.iter().map(seal).collect();
            assert!(self.sealed.reseal(tenant, &row, &envelopes).await.unwrap());
        }
    }
}

pub async fn every_value_is_walked_and_opens_at_its_own_place_only(world: World) {
    world.add_tenant("globex").await;
    let (tenants, keys) = (["acme", "globex"].map(tenant_id), keys());
    world.add_secret("main", false).await;
    let (mut values, mut columns) = (Vec::new(), BTreeSet::new());
    for tenant in &tenants {
        world.fill(tenant.as_str()).await;
        world.seal_all(tenant, &keys).await;
        for row in world.sealed_rows(tenant).await {
            columns.extend(row.values.iter().map(|value| (row.table, value.column)));
            values.extend(row.values.into_iter().map(|value| (tenant, value)));
        }
    }
    assert_eq!(columns, world.sealed.sealed_columns().into_iter().collect(), "every column has something");
    for (n, (_, from)) in values.iter().enumerate() {
        for (m, (tenant, to)) in values.iter().enumerate() {
            let right = keys.newest(to.secret.purpose()).unwrap().take_seal().unwrap();
            let (place, entropy) = (to.place(tenant), SeededEntropy::new(8));
            let opens = keys.reseal(right, &from.envelope, to.secret, place, &entropy).is_ok();
            assert_eq!(opens, n == m, "{from:?} at the place of {to:?}");
        }
    }
}

pub async fn a_row_is_exchanged_only_as_it_was_read(world: World) {
    let acme = tenant_id("acme");
    world.grant(&key("ada")).await;
    let read = world.sealed_rows(&acme).await;
    let row = read.iter().find(|row| row.table == "grant_secrets").unwrap();
    let exchanged =
        |n: u8| row.values.iter().map(|value| [&value.envelope[..], &[n]].concat()).collect::<Vec<_>>();
    assert!(!world.sealed.reseal(&tenant_id("globex"), row, &exchanged(0)).await.unwrap());
    assert!(world.sealed.reseal(&acme, row, &exchanged(1)).await.unwrap());
    assert!(
        !world.sealed.reseal(&acme, row, &exchanged(2)).await.unwrap(),
        "it was read before the exchange"
    );

    let read = world.sealed.sealed_row(&acme, row.table, &row.row).await.unwrap().unwrap();
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&attempt).await;
    assert!(!world.sealed.reseal(&acme, &read, &exchanged(3)).await.unwrap(), "it loses against an adoption");
    assert!(world.sealed.reseal(&acme, &read, &[]).await.is_err(), "one envelope for each value");
}

pub async fn rows_are_walked_in_pages_and_by_tenant(world: World) {
    world.add_tenant("globex").await;
    for user in ["ada", "bob", "cy"] {
        world.grant(&key(user)).await;
    }
    world.grant(&key_of("globex", "dee")).await;
    for table in ["grant_secrets", "client_secrets"] {
        let mut walked: Vec<RowId> = Vec::new();
        loop {
            let page = world.sealed.sealed_under(&tenant_id("acme"), table, walked.last(), 2).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 2 && Some(&last.row) > walked.last());
            walked.extend(page.into_iter().map(|under| under.row));
        }
        assert_eq!(walked.len(), if table == "grant_secrets" { 3 } else { 1 }, "{table}");
    }
}
