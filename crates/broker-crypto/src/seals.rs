//! How many values a data key may seal, and how many of them this process may seal now.
//!
//! With random nonces a key seals at most 2^32 values (NIST SP 800-38D §8.3). They are counted where the key is kept, in
//! blocks and ahead of use; here a block is used up. What dies with an unused block was counted all the same, so that the
//! count is never too low.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{CryptoError, DataEncryptionKey, Entropy, KeyPurpose, Place, Sealed, Secret};

/// Values one key may seal.
pub const MOST_SEALS: u64 = 1 << 32;

/// The count from which on a key seals only for work that has begun: a provider's answer must not be lost for want of a
/// seal.
pub const SEALS_FOR_NEW_WORK: u64 = MOST_SEALS - (1 << 20);

/// The count from which on a key is to be replaced: half of what it may seal.
pub const WEARING_OUT: u64 = MOST_SEALS / 2;

/// Seals in the first block that a process reserves, and in every one beyond [`SEALS_FOR_NEW_WORK`].
pub const SMALLEST_BLOCK: u64 = 1 << 6;

const LARGEST_BLOCK: u64 = 1 << 16;

/// What this process has reserved of one key, and not used.
#[derive(Debug, Default)]
pub(crate) struct Reserved(Mutex<Block>);

#[derive(Debug, Default)]
struct Block {
    left: u64,
    /// Size of the last one.
    size: u64,
    /// The key's count after the last one.
    counted: u64,
}

impl Reserved {
    fn block(&self) -> MutexGuard<'_, Block> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> bool {
        let mut block = self.block();
        let left = block.left.checked_sub(1);
        block.left = left.unwrap_or(0);
        left.is_some()
    }

    fn give_back(&self) {
        self.block().left += 1;
    }

    pub(crate) fn add(&self, size: u64, counted: u64) {
        let mut block = self.block();
        *block = Block { left: block.left + size, size, counted: block.counted.max(counted) };
    }

    pub(crate) fn left(&self) -> u64 {
        self.block().left
    }

    pub(crate) fn counted(&self) -> u64 {
        self.block().counted
    }

    /// Twice the last one: who seals little wastes little when it ends, who seals much seldom asks.
    pub(crate) fn next_size(&self) -> u64 {
        (self.block().size * 2).clamp(SMALLEST_BLOCK, LARGEST_BLOCK)
    }
}

/// The right to seal one value under a key: it was counted before. Dropped unused, another may have it.
pub struct SealRight {
    key: Arc<DataEncryptionKey>,
    used: bool,
}

impl SealRight {
    /// One of those that are reserved here; `None` if they are used up.
    pub(crate) fn take(key: &Arc<DataEncryptionKey>) -> Option<Self> {
        key.reserved().take().then(|| Self { key: key.clone(), used: false })
    }

    /// What the key seals.
    pub fn purpose(&self) -> KeyPurpose {
        self.key.purpose()
    }

    /// Seals `secret` at `place`.
    ///
    /// Fails with [`CryptoError::NoKey`] where the key has another purpose than the secret.
    pub fn seal<T: Secret>(
        self,
        secret: &T,
        place: Place<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Sealed<T>, CryptoError> {
        Ok(self.used_for(T::PURPOSE)?.seal(secret, place, entropy))
    }

    /// The key, for one seal.
    pub(crate) fn used_for(mut self, purpose: KeyPurpose) -> Result<Arc<DataEncryptionKey>, CryptoError> {
        if self.purpose() != purpose {
            return Err(CryptoError::NoKey(purpose.as_str()));
        }
        self.used = true;
        Ok(self.key.clone())
    }
}

impl Drop for SealRight {
    fn drop(&mut self) {
        if !self.used {
            self.key.reserved().give_back();
        }
    }
}

impl fmt::Debug for SealRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SealRight").field(&self.key).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{AccessToken, DekId, DekMaterial, OsEntropy, RefreshToken};

    const PLACE: Place<'_> = Place { tenant: "t", owner: "g", generation: 3 };

    fn opened() -> Arc<DataEncryptionKey> {
        let id = DekId::generate(&OsEntropy);
        let material = DekMaterial::generate(&OsEntropy);
        Arc::new(DataEncryptionKey::from_material(id, KeyPurpose::Access, &material))
    }

    #[test]
    fn nothing_is_sealed_that_was_not_reserved() {
        let key = opened();
        assert!(SealRight::take(&key).is_none());
        key.add_seals(1, 1);
        let right = SealRight::take(&key).unwrap();
        assert!(SealRight::take(&key).is_none());
        right.seal(&AccessToken::new("at"), PLACE, &OsEntropy).unwrap();
        assert!(SealRight::take(&key).is_none(), "it was used");
    }

    #[test]
    fn a_right_that_seals_nothing_is_another_s() {
        let key = opened();
        key.add_seals(1, 1);
        drop(SealRight::take(&key).unwrap());
        let refused = SealRight::take(&key).unwrap().seal(&RefreshToken::new("rt"), PLACE, &OsEntropy);
        assert_eq!(refused.unwrap_err(), CryptoError::NoKey("rotation"));
        assert!(SealRight::take(&key).is_some());
    }

    #[test]
    fn blocks_grow_while_they_are_used_up() {
        let key = opened();
        let mut counted = 0;
        let mut sizes = Vec::new();
        for _ in 0..12 {
            let size = key.next_block();
            counted += size;
            key.add_seals(size, counted);
            sizes.push(size);
        }
        assert_eq!((sizes[0], sizes[1], sizes[2], sizes[11]), (64, 128, 256, 1 << 16));
        assert_eq!(key.seals_counted(), counted);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Seal(usize),
        HangUp(usize),
        Crash(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let replica = 0usize..2;
        let step = prop_oneof![
            60 => replica.clone().prop_map(Step::Seal),
            3 => replica.clone().prop_map(Step::HangUp),
            1 => replica.prop_map(Step::Crash),
        ];
        proptest::collection::vec(step, 0..2000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_count_is_never_too_low_whoever_crashes(steps in steps()) {
            let mut replicas = [opened(), opened()];
            let (mut counted, mut sealed) = (0, 0u64);
            for step in steps {
                match step {
                    Step::Crash(replica) => replicas[replica] = opened(),
                    Step::Seal(replica) | Step::HangUp(replica) => {
                        let key = &replicas[replica];
                        let right = SealRight::take(key).unwrap_or_else(|| {
                            counted += key.next_block();
                            key.add_seals(key.next_block(), counted);
                            SealRight::take(key).unwrap()
                        });
                        if matches!(step, Step::Seal(_)) {
                            right.used_for(KeyPurpose::Access).unwrap();
                            sealed += 1;
                        }
                    }
                }
                prop_assert!(sealed <= counted);
            }
        }
    }
}
