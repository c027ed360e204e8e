//! What binds records together: each hash is made over the record and the hash before, under a key.

use broker_crypto::MacKey;

use super::KeptRecord;

/// The hash before the first record.
pub(crate) const GENESIS: [u8; 32] = [0; 32];

/// So many records lie between two checkpoints.
pub const CHECKPOINT_EVERY: u64 = 256;

/// The chain of what concerns the whole installation.
pub const INSTALLATION: &str = "";

/// A record in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainedRecord {
    /// The chain: a tenant's id, or empty for that of the installation.
    pub chain: String,
    /// Its place in the chain, from 1.
    pub sequence: u64,
    /// The record.
    pub record: KeptRecord,
    /// The hash of the record before.
    pub previous_hash: Vec<u8>,
    /// Its own hash.
    pub hash: Vec<u8>,
}

/// A mark at a record of a chain: its head, or a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainMark {
    /// The chain.
    pub chain: String,
    /// The place of the record.
    pub sequence: u64,
    /// The hash of the record.
    pub hash: Vec<u8>,
    /// The code of all this under the key of the chain.
    pub mac: Vec<u8>,
}

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkKind {
    Head,
    Checkpoint,
}

/// The key that makes the hashes and marks of every chain.
#[derive(Debug)]
pub(crate) struct ChainKey(pub(crate) MacKey);

impl ChainKey {
    /// The next record of a chain.
    pub(crate) fn chained(
        &self,
        chain: &str,
        sequence: u64,
        previous: &[u8],
        record: KeptRecord,
    ) -> ChainedRecord {
        let hash = self.hash(chain, sequence, previous, &record).to_vec();
        ChainedRecord { chain: chain.to_owned(), sequence, record, previous_hash: previous.to_vec(), hash }
    }

    /// Whether a record is the one its hash was made of.
    pub(crate) fn fits(&self, kept: &ChainedRecord) -> bool {
        let hash = self.hash(&kept.chain, kept.sequence, &kept.previous_hash, &kept.record);
        hash.as_slice() == kept.hash
    }

    /// The mark of that kind at a record.
    pub(crate) fn mark(&self, kind: MarkKind, at: &ChainedRecord) -> ChainMark {
        let mac = self.mark_code(kind, &at.chain, at.sequence, &at.hash).to_vec();
        ChainMark { chain: at.chain.clone(), sequence: at.sequence, hash: at.hash.clone(), mac }
    }

    /// Whether a mark of that kind was made with this key.
    pub(crate) fn made(&self, kind: MarkKind, mark: &ChainMark) -> bool {
        self.mark_code(kind, &mark.chain, mark.sequence, &mark.hash).as_slice() == mark.mac
    }

    fn mark_code(&self, kind: MarkKind, chain: &str, sequence: u64, hash: &[u8]) -> [u8; 32] {
        let kind: &[u8] = match kind {
            MarkKind::Head => b"head",
            MarkKind::Checkpoint => b"checkpoint",
        };
        self.0.code(&[kind, chain.as_bytes(), &sequence.to_be_bytes(), hash])
    }

    /// Every column stands in it. What may be absent is preceded by a part that says so.
    fn hash(&self, chain: &str, sequence: u64, previous: &[u8], record: &KeptRecord) -> [u8; 32] {
        let KeptRecord {
            at,
            tenant,
            principal,
            action,
            provider,
            user,
            account,
            resource,
            generation,
            outcome,
            reason,
            purpose,
            fingerprint,
        } = record;
        let generation = generation.map(i64::to_be_bytes);
        let mut parts: Vec<&[u8]> = Vec::with_capacity(24);
        let (sequence, at) = (sequence.to_be_bytes(), at.to_be_bytes());
        parts.extend([b"record", chain.as_bytes(), &sequence, previous, &at, tenant.as_bytes()]);
        parts.extend([action, resource, outcome, reason, purpose].map(|text| text.as_bytes()));
        for text in [principal, provider, user, account] {
            absent_or(&mut parts, text.as_ref().map(|text| text.as_bytes()));
        }
        absent_or(&mut parts, generation.as_ref().map(|bytes| bytes.as_slice()));
        absent_or(&mut parts, fingerprint.as_deref());
        self.0.code(&parts)
    }
}

fn absent_or<'a>(parts: &mut Vec<&'a [u8]>, value: Option<&'a [u8]>) {
    match value {
        Some(value) => parts.extend([b"1", value]),
        None => parts.push(b"0"),
    }
}

#[cfg(test)]
mod tests {
    use broker_crypto::DekMaterial;

    use super::*;

    fn key() -> ChainKey {
        ChainKey(MacKey::from_material(&DekMaterial::from_opened(&[7; 32]).unwrap()))
    }

    #[test]
    fn a_record_fits_until_anything_of_it_is_changed() {
        let record = KeptRecord { principal: Some(String::new()), ..KeptRecord::default() };
        let kept = key().chained("acme", 2, &GENESIS, record.clone());
        assert!(key().fits(&kept));
        let absent = KeptRecord { principal: None, ..record };
        let changed = [
            ChainedRecord { chain: "other".into(), ..kept.clone() },
            ChainedRecord { sequence: 3, ..kept.clone() },
            ChainedRecord { previous_hash: vec![1; 32], ..kept.clone() },
            ChainedRecord { record: absent, ..kept.clone() },
        ];
        assert!(changed.iter().all(|changed| !key().fits(changed)));
    }

    #[test]
    fn a_checkpoint_is_no_head() {
        let kept = key().chained("acme", 2, &GENESIS, KeptRecord::default());
        let checkpoint = key().mark(MarkKind::Checkpoint, &kept);
        assert!(key().made(MarkKind::Checkpoint, &checkpoint));
        assert!(!key().made(MarkKind::Head, &checkpoint));
    }
}
