//! At start: whether the key encryption keys are those the store was made with.

use std::collections::{BTreeMap, HashMap};

use anyhow::bail;
use broker_core::TenantId;
use broker_crypto::{CryptoError, KeyEncryption, KeyPurpose, WrappedDek, unwrap_dek};

use crate::store::Store;

/// Enough to meet every key encryption key a store was ever under, and opened within a few milliseconds.
const SAMPLE: u32 = 1000;

/// Of those a service is asked to open so many for each of its keys: one may be damaged.
const FEW: usize = 3;

/// How many data keys are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Samples {
    /// All of the sample: the keys are held in this process.
    Many,
    /// A few for each key encryption key: each costs a call.
    Few,
}

/// Opens the oldest data key of a purpose of each of the first tenants. With another key the broker would start and
/// serve nothing.
pub(crate) async fn check(
    store: &Store,
    keys: &dyn KeyEncryption,
    purpose: KeyPurpose,
    place: &str,
    samples: Samples,
) -> anyhow::Result<()> {
    let mut sample = store.oldest_data_keys(purpose, SAMPLE).await?;
    if samples == Samples::Few {
        keep_few(&mut sample);
    }
    match verdict(&open_all(&sample, keys).await) {
        Verdict::Fits { damaged } => {
            for tenant in damaged {
                tracing::error!(%tenant, "a data key of this tenant does not open: it is damaged, others are not");
            }
            Ok(())
        }
        Verdict::Missing(kid) => bail!(
            "[keys] the store's data keys do not open under {place}; this is another key: it has no `{kid}`, which they \
             were wrapped with"
        ),
        Verdict::Away(error) => bail!("[keys] the store's data keys cannot be tried under {place}: {error}"),
        Verdict::Another => {
            bail!("[keys] the store's data keys do not open under {place}; this is another key")
        }
    }
}

fn keep_few(sample: &mut Vec<(TenantId, WrappedDek)>) {
    let mut kept: HashMap<_, usize> = HashMap::new();
    sample.retain(|(_, wrapped)| {
        let kept = kept.entry(wrapped.wrapping_key()).or_default();
        *kept += 1;
        *kept <= FEW
    });
}

/// Whether a tenant's key opens, and why not.
type Tried = (TenantId, Result<(), CryptoError>);

async fn open_all(sample: &[(TenantId, WrappedDek)], keys: &dyn KeyEncryption) -> Vec<Tried> {
    let mut tried = Vec::with_capacity(sample.len());
    for (tenant, wrapped) in sample {
        let opened = unwrap_dek(keys, tenant.as_str(), wrapped).await;
        tried.push((tenant.clone(), opened.map(|_| ())));
    }
    tried
}

#[derive(Debug, PartialEq)]
enum Verdict {
    /// One damaged row costs its tenant, not everybody.
    Fits { damaged: Vec<TenantId> },
    /// A data key was wrapped by a key of this name, which is not there.
    Missing(String),
    /// The names fit and nothing opens.
    Another,
    /// Nobody can say: whoever holds the key cannot be used.
    Away(CryptoError),
}

fn verdict(tried: &[Tried]) -> Verdict {
    let mut damaged = Vec::new();
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    for (tenant, opened) in tried {
        let Err(error) = opened else { continue };
        if let CryptoError::Unavailable(_) = error {
            return Verdict::Away(error.clone());
        }
        damaged.push(tenant.clone());
        if let CryptoError::UnknownKey(kid) = error {
            *missing.entry(kid).or_default() += 1;
        }
    }
    // The name is read before anything is verified: named once, it may be a damaged byte; named twice, a key is gone.
    let most = missing.into_iter().max_by_key(|(_, tenants)| *tenants);
    if let Some((kid, tenants)) = most
        && (tenants > 1 || damaged.len() == tried.len())
    {
        return Verdict::Missing(kid.to_owned());
    }
    let nothing_opens = !tried.is_empty() && damaged.len() == tried.len();
    if nothing_opens { Verdict::Another } else { Verdict::Fits { damaged } }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use broker_crypto::{KekId, KeyEncryptionKey, KeyRing, OsEntropy, generate_dek};

    use super::*;

    fn ring(kid: &str) -> KeyRing {
        let id = KekId::new(kid).unwrap();
        let material = KeyEncryptionKey::generate_material(&id, &OsEntropy);
        KeyRing::parse(&material, Arc::new(OsEntropy)).unwrap()
    }

    async fn wrapped(tenant: &str, ring: &KeyRing) -> (TenantId, WrappedDek) {
        let wrapped = generate_dek(ring, tenant, KeyPurpose::Access, &OsEntropy).await.unwrap();
        (TenantId::new(tenant).unwrap(), wrapped)
    }

    async fn judged(sample: &[(TenantId, WrappedDek)], ring: &KeyRing) -> Verdict {
        verdict(&open_all(sample, ring).await)
    }

    #[tokio::test]
    async fn another_key_is_known_by_its_name_or_by_what_it_does_not_open() {
        let (right, same_name, other_name) = (ring("kek-1"), ring("kek-1"), ring("kek-2"));
        let sample = [wrapped("a", &right).await, wrapped("b", &right).await];
        let fits = || Verdict::Fits { damaged: Vec::new() };
        assert_eq!(judged(&[], &right).await, fits());
        assert_eq!(judged(&sample, &right).await, fits());
        assert_eq!(judged(&sample, &same_name).await, Verdict::Another);
        assert_eq!(judged(&sample, &other_name).await, Verdict::Missing("kek-1".into()));
    }

    #[tokio::test]
    async fn a_service_is_asked_for_a_few_of_each_key() {
        let (old, new) = (ring("kek-1"), ring("kek-2"));
        let mut sample = Vec::new();
        for (tenant, ring) in [("a", &old), ("b", &old), ("c", &new), ("d", &old), ("e", &old), ("f", &new)] {
            sample.push(wrapped(tenant, ring).await);
        }
        keep_few(&mut sample);
        let tenants: Vec<_> = sample.iter().map(|(tenant, _)| tenant.as_str()).collect();
        assert_eq!(tenants, ["a", "b", "c", "d", "f"]);
    }

    #[test]
    fn a_key_that_cannot_be_asked_for_is_not_another() {
        let away = CryptoError::Unavailable("sealed".into());
        let tried = (TenantId::new("a").unwrap(), Err(away.clone()));
        assert_eq!(verdict(&[tried]), Verdict::Away(away));
    }

    #[tokio::test]
    async fn one_damaged_key_keeps_nobody_else_from_being_served() {
        let right = ring("kek-1");
        let mut sample = [wrapped("a", &right).await, wrapped("b", &right).await];
        *sample[0].1.envelope.last_mut().unwrap() ^= 1;
        let first = vec![sample[0].0.clone()];
        assert_eq!(judged(&sample, &right).await, Verdict::Fits { damaged: first.clone() });
        sample[0] = wrapped("a", &ring("kek-0")).await;
        assert_eq!(judged(&sample, &right).await, Verdict::Fits { damaged: first });
    }
}
