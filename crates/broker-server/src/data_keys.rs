//! At start: whether the key encryption keys are those the store was made with.

use std::collections::BTreeMap;

use anyhow::bail;
use broker_core::TenantId;
use broker_crypto::{CryptoError, KeyRing, WrappedDek};

use crate::config::KeysConfig;
use crate::store::Store;

/// Enough to meet every key encryption key a store was ever under, and opened within a few milliseconds.
const SAMPLE: u32 = 1000;

/// Opens the oldest data key of each of the first tenants. With another key the broker would start and serve nothing.
pub(crate) async fn check(store: &Store, ring: &KeyRing, keys: &KeysConfig) -> anyhow::Result<()> {
    let sample = store.oldest_data_keys(SAMPLE).await?;
    match verdict(&sample, ring) {
        Verdict::Fits { damaged } => {
            for tenant in damaged {
                tracing::error!(%tenant, "a data key of this tenant does not open: it is damaged, others are not");
            }
            Ok(())
        }
        Verdict::Missing(kid) => bail!(
            "[keys] the store's data keys do not open under {}; this is another key: it has no `{kid}`, which they \
             were wrapped with",
            keys.place()
        ),
        Verdict::Another => {
            bail!("[keys] the store's data keys do not open under {}; this is another key", keys.place())
        }
    }
}

#[derive(Debug, PartialEq)]
enum Verdict {
    /// One damaged row costs its tenant, not everybody.
    Fits { damaged: Vec<TenantId> },
    /// A data key was wrapped by a key of this name, which is not there.
    Missing(String),
    /// The names fit and nothing opens.
    Another,
}

fn verdict(sample: &[(TenantId, WrappedDek)], ring: &KeyRing) -> Verdict {
    let mut damaged = Vec::new();
    let mut missing: BTreeMap<String, usize> = BTreeMap::new();
    for (tenant, wrapped) in sample {
        let Err(error) = ring.unwrap_dek(tenant.as_str(), wrapped) else { continue };
        damaged.push(tenant.clone());
        if let CryptoError::UnknownKey(kid) = error {
            *missing.entry(kid).or_default() += 1;
        }
    }
    // The name is read before anything is verified: named once, it may be a damaged byte; named twice, a key is gone.
    let most = missing.into_iter().max_by_key(|(_, tenants)| *tenants);
    if let Some((kid, tenants)) = most
        && (tenants > 1 || damaged.len() == sample.len())
    {
        return Verdict::Missing(kid);
    }
    let nothing_opens = !sample.is_empty() && damaged.len() == sample.len();
    if nothing_opens { Verdict::Another } else { Verdict::Fits { damaged } }
}

#[cfg(test)]
mod tests {
    use broker_crypto::{KekId, KeyEncryptionKey, KeyPurpose, OsEntropy};

    use super::*;

    fn ring(kid: &str) -> KeyRing {
        let id = KekId::new(kid).unwrap();
        KeyRing::parse(&KeyEncryptionKey::generate_material(&id, &OsEntropy)).unwrap()
    }

    fn wrapped(tenant: &str, ring: &KeyRing) -> (TenantId, WrappedDek) {
        let (_, wrapped) = ring.generate_dek(tenant, KeyPurpose::Access, &OsEntropy);
        (TenantId::new(tenant).unwrap(), wrapped)
    }

    #[test]
    fn another_key_is_known_by_its_name_or_by_what_it_does_not_open() {
        let (right, same_name, other_name) = (ring("kek-1"), ring("kek-1"), ring("kek-2"));
        let sample = [wrapped("a", &right), wrapped("b", &right)];
        let fits = || Verdict::Fits { damaged: Vec::new() };
        assert_eq!(verdict(&[], &right), fits());
        assert_eq!(verdict(&sample, &right), fits());
        assert_eq!(verdict(&sample, &same_name), Verdict::Another);
        assert_eq!(verdict(&sample, &other_name), Verdict::Missing("kek-1".into()));
    }

    #[test]
    fn one_damaged_key_keeps_nobody_else_from_being_served() {
        let right = ring("kek-1");
        let mut sample = [wrapped("a", &right), wrapped("b", &right)];
        *sample[0].1.envelope.last_mut().unwrap() ^= 1;
        assert_eq!(verdict(&sample, &right), Verdict::Fits { damaged: vec![sample[0].0.clone()] });
        sample[0] = wrapped("a", &ring("kek-0"));
        assert_eq!(verdict(&sample, &right), Verdict::Fits { damaged: vec![sample[0].0.clone()] });
    }
}
