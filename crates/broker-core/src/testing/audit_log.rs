//! The audit log of a store under test, and everything that can be done to it behind the broker's back.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test fails by panicking, in its helpers too, and its name is its description"
)]

use std::sync::Arc;

use async_trait::async_trait;
use broker_crypto::{KekId, KeyPurpose, KeyRing, SeededEntropy, WrappedDek, generate_dek};

use super::ManualClock;
use super::conformance::{NOW, StoreUnderTest, World};
use crate::ports::{KeyStore, Ledger};
use crate::{AuditDefect, AuditKeys, AuditRange, AuditVerdict, CHECKPOINT_EVERY, KeptRecord, Sealer};

/// A store whose rows can be changed by a foreign hand.
#[async_trait]
pub trait Meddler {
    async fn meddle(&self, sql: &'static str);
}

/// The audit log as one process knows it.
pub struct AuditLog {
    sealer: Sealer,
    keys: AuditKeys,
}

/// A record of something at evercam; an empty principal is the broker itself.
pub fn kept(tenant: &str, principal: &str) -> KeptRecord {
    KeptRecord {
        at: NOW.as_unix_micros(),
        tenant: tenant.to_owned(),
        principal: Some(principal.to_owned()).filter(|name| !name.is_empty()),
        action: "act".to_owned(),
        provider: Some("evercam".to_owned()),
        outcome: "succeeded".to_owned(),
        ..KeptRecord::default()
    }
}

impl AuditLog {
    pub fn new(ledger: Arc<dyn Ledger>, keys: Arc<dyn KeyStore>) -> Self {
        Self::wrapped_by(&KekId::new("kek-1").unwrap(), ledger, keys)
    }

    /// The same under a key encryption key of another name.
    pub fn wrapped_by(kek: &KekId, ledger: Arc<dyn Ledger>, store: Arc<dyn KeyStore>) -> Self {
        let entropy = Arc::new(SeededEntropy::new(11));
        let material = format!("{}:{}=", kek.as_str(), "A".repeat(43));
        let encryption = Arc::new(KeyRing::parse(&material, entropy.clone()).unwrap());
        let keys = AuditKeys { store, encryption, entropy, clock: Arc::new(ManualClock::new(NOW)) };
        Self { sealer: Sealer::new(ledger, keys.clone(), None), keys }
    }

    pub fn keys(&self) -> AuditKeys {
        self.keys.clone()
    }

    pub async fn fresh_key(&self) -> WrappedDek {
        let AuditKeys { encryption, entropy, .. } = &self.keys;
        generate_dek(encryption.as_ref(), "", KeyPurpose::Access, entropy.as_ref()).await.unwrap()
    }

    pub async fn seal(&self) {
        self.sealer.seal_all().await.unwrap();
    }

    pub async fn verify(&self, chain: &str) -> AuditVerdict {
        self.verify_range(chain, 0, 0, None).await
    }

    pub async fn verify_range(
        &self,
        chain: &str,
        from: u64,
        to: u64,
        known: Option<(u64, Vec<u8>)>,
    ) -> AuditVerdict {
        let range = AuditRange { chain: chain.to_owned(), from, to, known };
        self.sealer.verify(&range).await.expect("a log is verified, whatever was done to it")
    }

    /// Where the chain is broken, and how.
    async fn broken(&self, chain: &str) -> Option<(String, u64, AuditDefect)> {
        self.verify(chain).await.broken.map(|broken| (broken.chain, broken.sequence, broken.defect))
    }
}

/// A change, and what verifying `acme` says of it: which record of `acme` is broken, and how.
pub const CHANGES: &[(&str, u64, AuditDefect)] = {
    use AuditDefect::{Altered, Checkpoint, Head, Missing, Unchained};
    &[
        ("UPDATE audit_records SET tenant = 'x' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET at = at + 1 WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET principal = 'x' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET principal = NULL WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET action = 'x' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET provider = 'x' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET user_id = 'x' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET account = 'x' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET resource = 'x' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET generation = 8 WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET generation = -1 WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET outcome = 'denied' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET outcome = '' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET reason = 'x' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET purpose = 'x' WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET fingerprint = hash WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET previous_hash = hash WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET hash = previous_hash WHERE chain = 'acme' AND sequence = 3", 3, Altered),
        ("UPDATE audit_records SET sequence = 999 WHERE chain = 'acme' AND sequence = 3", 3, Missing),
        ("UPDATE audit_records SET sequence = -3 WHERE chain = 'acme' AND sequence = 3", 3, Missing),
        ("UPDATE audit_records SET chain = 'other' WHERE chain = 'acme' AND sequence = 3", 3, Missing),
        ("DELETE FROM audit_records WHERE chain = 'acme' AND sequence = 1", 1, Missing),
        ("DELETE FROM audit_records WHERE chain = 'acme' AND sequence = 3", 3, Missing),
        ("DELETE FROM audit_records WHERE chain = 'acme' AND sequence = 300", 300, Missing),
        ("DELETE FROM audit_records WHERE chain = 'acme' AND sequence > 200", 201, Missing),
        ("DELETE FROM audit_records WHERE chain = 'acme'", 1, Missing),
        ("DELETE FROM audit_records", 1, Missing),
        ("DELETE FROM audit_heads", 300, Head),
        (
            "DELETE FROM audit_records WHERE chain = 'acme'; DELETE FROM audit_heads WHERE chain = 'acme'",
            1,
            Missing,
        ),
        ("UPDATE audit_heads SET sequence = sequence + 1 WHERE chain = 'acme'", 300, Head),
        ("UPDATE audit_heads SET sequence = -1 WHERE chain = 'acme'", 300, Head),
        ("UPDATE audit_heads SET hash = mac WHERE chain = 'acme'", 300, Head),
        ("UPDATE audit_heads SET mac = hash WHERE chain = 'acme'", 300, Head),
        ("UPDATE audit_heads SET chain = 'other' WHERE chain = 'acme'", 300, Head),
        (
            "UPDATE audit_records SET sequence = 1000 WHERE chain = 'acme' AND sequence = 3;
             UPDATE audit_records SET sequence = 3 WHERE chain = 'acme' AND sequence = 4;
             UPDATE audit_records SET sequence = 4 WHERE chain = 'acme' AND sequence = 1000",
            3,
            Altered,
        ),
        (
            "CREATE TABLE copied AS SELECT * FROM audit_records WHERE chain = 'acme' AND sequence = 300;
             UPDATE copied SET sequence = 301;
             INSERT INTO audit_records SELECT * FROM copied",
            301,
            Altered,
        ),
        (
            "CREATE TABLE copied AS SELECT * FROM audit_records WHERE chain = 'acme' AND sequence = 2;
             DELETE FROM audit_records WHERE chain = 'acme' AND sequence = 3;
             UPDATE copied SET sequence = 3;
             INSERT INTO audit_records SELECT * FROM copied",
            3,
            Altered,
        ),
        ("DELETE FROM audit_checkpoints", 256, Checkpoint),
        ("UPDATE audit_checkpoints SET mac = hash WHERE chain = 'acme'", 256, Checkpoint),
        ("UPDATE audit_checkpoints SET hash = mac WHERE chain = 'acme'", 256, Checkpoint),
        ("UPDATE audit_checkpoints SET sequence = 10 WHERE chain = 'acme'", 10, Checkpoint),
        (
            "UPDATE audit_heads SET sequence = s.sequence, hash = s.hash, mac = s.mac FROM saved s WHERE audit_heads.chain = 'acme'",
            201,
            Unchained,
        ),
    ]
};

/// Every change is found, by a process that knows nothing but the key, and the right record is named.
pub async fn every_change_is_found<S: StoreUnderTest + Meddler>() {
    for (change, sequence, defect) in CHANGES {
        let store = S::fresh().await;
        let log = filled(&store).await;
        assert_eq!(log.broken("acme").await, None);
        assert_eq!(log.broken("").await, None);
        store.meddle(change).await;
        let stranger = AuditLog::new(store.ledger(), store.keys());
        let found = stranger.broken("acme").await;
        assert_eq!(found, Some(("acme".to_owned(), *sequence, *defect)), "{change}");
        // What goes on being written heals nothing.
        store.ledger().append(&[kept("acme", "later")]).await.unwrap();
        stranger.seal().await;
        assert!(stranger.broken("acme").await.is_some(), "{change}");
    }
}

/// 300 records of `acme`, a checkpoint among them; its head at 200 is kept in a table `saved`.
async fn filled<S: StoreUnderTest + Meddler>(store: &S) -> AuditLog {
    assert_eq!(CHECKPOINT_EVERY, 256, "the places of the changes are made for this");
    let world = World::of(store).await;
    let log = AuditLog::new(world.ledger.clone(), world.keys.clone());
    let record = |n: u64| KeptRecord {
        generation: i64::try_from(n).ok(),
        purpose: format!("record {n}"),
        ..kept("acme", "jwt:ci")
    };
    let records: Vec<_> = (1..=300).map(record).collect();
    world.ledger.append(&records[..200]).await.unwrap();
    log.seal().await;
    store.meddle("CREATE TABLE saved AS SELECT * FROM audit_heads WHERE chain = 'acme'").await;
    world.ledger.append(&records[200..]).await.unwrap();
    log.seal().await;
    log
}

/// The chain of the installation knows which chains were begun, and that it was itself.
pub async fn a_chain_that_is_gone_is_missed<S: StoreUnderTest + Meddler>() {
    let gone = "DELETE FROM audit_records WHERE chain = 'acme'; DELETE FROM audit_heads WHERE chain = 'acme';
                DELETE FROM audit_checkpoints WHERE chain = 'acme'";
    let note = "DELETE FROM audit_records WHERE chain = '' AND tenant = 'acme'";
    let everything = "DELETE FROM audit_records; DELETE FROM audit_heads; DELETE FROM audit_checkpoints";
    let missing = |chain: &str, sequence| Some((chain.to_owned(), sequence, AuditDefect::Missing));
    for (changes, of_acme, of_all) in [
        (vec![gone], missing("acme", 1), missing("acme", 1)),
        (vec![gone, note], missing("", 2), missing("", 2)),
        (vec![everything], missing("", 1), missing("", 1)),
    ] {
        let store = S::fresh().await;
        filled(&store).await;
        for change in &changes {
            store.meddle(change).await;
        }
        let stranger = AuditLog::new(store.ledger(), store.keys());
        assert_eq!(stranger.broken("acme").await, of_acme, "{changes:?}");
        assert_eq!(stranger.broken("").await, of_all, "{changes:?}");
    }
}

/// A log cut short with its head put back holds by itself. Who has seen it, or kept a hash elsewhere, knows better.
pub async fn a_log_cut_short_is_missed_by_who_knows_its_end<S: StoreUnderTest + Meddler>() {
    let store = S::fresh().await;
    let log = filled(&store).await;
    let end = log.verify("acme").await;
    store
        .meddle(
            "DELETE FROM audit_records WHERE chain = 'acme' AND sequence > 200;
             DELETE FROM audit_checkpoints WHERE chain = 'acme';
             UPDATE audit_heads SET sequence = s.sequence, hash = s.hash, mac = s.mac FROM saved s
             WHERE audit_heads.chain = 'acme'",
        )
        .await;
    let stranger = AuditLog::new(store.ledger(), store.keys());
    assert_eq!(stranger.broken("acme").await, None);
    let known = stranger.verify_range("acme", 0, 0, Some((end.sequence, end.hash))).await;
    let missing = |sequence| ("acme".to_owned(), sequence, AuditDefect::Missing);
    let told = |verdict: AuditVerdict| verdict.broken.map(|b| (b.chain, b.sequence, b.defect));
    assert_eq!(told(known), Some(missing(201)));
    assert_eq!(log.broken("acme").await, Some(missing(201)), "it has seen record 300");
    assert!(log.sealer.counts().heads_gone_back > 0);
    store.ledger().append(&[kept("acme", "later")]).await.unwrap();
    log.seal().await;
    let stranger = AuditLog::new(store.ledger(), store.keys());
    assert_eq!(stranger.broken("acme").await, Some(missing(201)), "what goes on leaves a gap");
}

/// A part is verified for itself, and its first record follows the one before.
pub async fn a_log_is_verified_in_parts<S: StoreUnderTest + Meddler>() {
    let store = S::fresh().await;
    let log = filled(&store).await;
    let mut verified = 0;
    for (from, to) in [(1, 100), (101, 200), (201, 0)] {
        let verdict = log.verify_range("acme", from, to, None).await;
        assert_eq!(verdict.broken, None, "{from}");
        verified += verdict.verified;
    }
    assert_eq!(verified, 300);
    store.meddle("UPDATE audit_records SET purpose = 'x' WHERE chain = 'acme' AND sequence = 150").await;
    for (from, to, broken) in [(1, 100, None), (101, 200, Some(150)), (201, 0, None)] {
        let verdict = log.verify_range("acme", from, to, None).await;
        assert_eq!(verdict.broken.map(|broken| broken.sequence), broken, "{from}");
    }
}
