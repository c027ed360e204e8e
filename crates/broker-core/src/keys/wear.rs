//! Keys that have sealed half of what they may: their tenants' data keys are rotated, nobody has to ask for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use broker_crypto::{DekId, KeyPurpose};

use crate::error::chain;
use crate::{Actor, AuditAction, Broker, BrokerError, KeyKind, TenantId};

/// What this replica knows of worn keys that still seal.
#[derive(Debug, Default)]
pub(crate) struct WornKeys(Mutex<HashMap<DekId, Worn>>);

#[derive(Debug)]
struct Worn {
    tenant: TenantId,
    /// Whether a rotation was asked for. Asked for once, it is worked on until it ends.
    asked: bool,
}

impl WornKeys {
    fn map(&self) -> MutexGuard<'_, HashMap<DekId, Worn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers whether that was not known.
    pub(super) fn note(&self, tenant: &TenantId, key: DekId) -> bool {
        let worn = Worn { tenant: tenant.clone(), asked: false };
        match self.map().entry(key) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(worn);
                true
            }
        }
    }

    fn keep(&self, seals: impl Fn(&TenantId, DekId) -> bool) {
        self.map().retain(|key, worn| seals(&worn.tenant, *key));
    }

    fn not_asked(&self) -> Vec<(DekId, TenantId)> {
        let worn = self.map();
        worn.iter().filter(|(_, worn)| !worn.asked).map(|(key, worn)| (*key, worn.tenant.clone())).collect()
    }

    fn asked(&self, tenant: &TenantId) {
        self.map().values_mut().filter(|worn| worn.tenant == *tenant).for_each(|worn| worn.asked = true);
    }
}

impl Broker {
    /// How many data keys this replica knows to have sealed half of what they may, and to seal still.
    pub fn worn_keys(&self) -> usize {
        self.keys.worn.map().len()
    }

    /// The most values that one data key has sealed which is open here, as far as this replica has reserved seals of it.
    pub fn most_seals(&self) -> u64 {
        self.keys.most_seals()
    }

    /// Asks for a rotation of the data keys of every tenant whose keys wear out.
    pub async fn rotate_worn_keys(&self) {
        self.keys.worn.keep(|tenant, key| self.seals_now(tenant, key));
        for (key, tenant) in self.keys.worn.not_asked() {
            let by = Actor::broker(AuditAction::ROTATE_KEYS);
            match self.rotate_keys(KeyKind::Dek, Some(tenant.clone()), None, &by).await {
                // What it has goes with the tenant.
                Ok(_) | Err(BrokerError::TenantNotFound) => self.keys.worn.asked(&tenant),
                Err(error) => {
                    tracing::warn!(%tenant, %key, error = chain(&error), "a rotation could not be asked for");
                }
            }
        }
    }

    /// Whether the key seals here. One that nobody has opened seals nothing.
    fn seals_now(&self, tenant: &TenantId, key: DekId) -> bool {
        let Some(keys) = self.keys.peek(tenant) else { return false };
        KeyPurpose::ALL.iter().any(|purpose| keys.newest(*purpose).is_ok_and(|newest| newest.id() == key))
    }
}
