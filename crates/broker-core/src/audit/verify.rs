//! Verifying a chain: every record from first to last, its checkpoints, and where it ends.

use super::chain::{CHECKPOINT_EVERY, ChainKey, GENESIS, INSTALLATION, MarkKind};
use super::checkpoints::Checkpoints;
use super::{ChainedRecord, Sealer};
use crate::BrokerError;
use crate::ports::ChainEnd;

/// Records read at once.
const PAGE: u32 = 1000;

/// What to verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRange {
    /// The chain.
    pub chain: String,
    /// The first record to verify; 0 for the oldest.
    pub from: u64,
    /// The last record to verify; 0 for the newest.
    pub to: u64,
    /// A record known from elsewhere, and its hash.
    pub known: Option<(u64, Vec<u8>)>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerdict {
    /// How many records hold.
    pub verified: u64,
    /// The first that does not.
    pub broken: Option<BrokenRecord>,
    /// The last record that holds.
    pub sequence: u64,
    /// Its hash.
    pub hash: Vec<u8>,
    /// Where the chain ends.
    pub end: u64,
}

/// A record that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRecord {
    /// Its chain.
    pub chain: String,
    /// Its place.
    pub sequence: u64,
    /// What is wrong.
    pub defect: AuditDefect,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditDefect {
    /// It does not match its hash.
    Altered,
    /// It is not there.
    Missing,
    /// It does not follow the one before, or is not the one known from elsewhere.
    Unchained,
    /// The head of the chain does not hold, or is not there.
    Head,
    /// The checkpoint at it does not hold, is not there, or should not be.
    Checkpoint,
}

/// How far a verification is.
struct Walk<'a> {
    key: &'a ChainKey,
    chain: &'a str,
    /// The record verified last, and its hash.
    sequence: u64,
    hash: Vec<u8>,
    verified: u64,
    checkpoints: Checkpoints,
}

impl Sealer {
    /// Seals what is written, and verifies a chain.
    pub async fn verify(&self, range: &AuditRange) -> Result<AuditVerdict, BrokerError> {
        self.seal_all().await?;
        let key = self.key().await?;
        let end = self.end(&range.chain).await?;
        let first = range.from.max(1);
        // The record before is verified too, for its hash.
        let anchor = first.saturating_sub(2);
        let mut walk = Walk {
            key,
            chain: &range.chain,
            sequence: anchor,
            hash: GENESIS.to_vec(),
            verified: 0,
            checkpoints: Checkpoints::after(anchor),
        };
        let to = if range.to == 0 { u64::MAX } else { range.to };
        let mut broken = self.walk(&mut walk, &end, first, to).await?;
        if broken.is_none() && to >= end.last.unwrap_or(0) {
            broken = self.broken_end(&mut walk, &end).await?;
            if broken.is_none() && range.chain == INSTALLATION {
                broken = self.ledger.lost_chain().await?.map(missing_from_the_first);
            }
        }
        if broken.is_none() {
            broken = self.differs_from_known(range, &end).await?;
        }
        let Walk { sequence, hash, verified, .. } = walk;
        Ok(AuditVerdict { verified, broken, sequence, hash, end: end.last.unwrap_or(0) })
    }

    async fn end(&self, chain: &str) -> Result<ChainEnd, BrokerError> {
        let mut ends = self.ledger.ends(&[chain.to_owned()]).await?;
        ends.pop().ok_or_else(|| BrokerError::Internal("the ledger knows no end of a chain".into()))
    }

    /// Records that came after `end` was read are left to the next verification.
    async fn walk(
        &self,
        walk: &mut Walk<'_>,
        end: &ChainEnd,
        first: u64,
        to: u64,
    ) -> Result<Option<BrokenRecord>, BrokerError> {
        let last = end.last.unwrap_or(0).min(to);
        while walk.sequence < last {
            let page = self.ledger.chained(walk.chain, walk.sequence, PAGE).await?;
            if page.is_empty() {
                return Ok(Some(walk.broken(walk.sequence + 1, AuditDefect::Missing)));
            }
            for record in page.into_iter().take_while(|record| record.sequence <= last) {
                walk.checkpoints.read_for(self.ledger.as_ref(), walk.chain, record.sequence).await?;
                if let Some(broken) = walk.step(record, first) {
                    return Ok(Some(broken));
                }
            }
        }
        Ok(None)
    }

    /// What is wrong with where a chain ends, all its records being good.
    async fn broken_end(
        &self,
        walk: &mut Walk<'_>,
        end: &ChainEnd,
    ) -> Result<Option<BrokenRecord>, BrokerError> {
        let last = end.last.unwrap_or(0);
        if last == 0 && end.head.is_none() {
            return self.missing_from_the_beginning(walk.chain).await;
        }
        let seen = self.seen.sequence(walk.chain);
        walk.checkpoints.read_for(self.ledger.as_ref(), walk.chain, u64::MAX).await?;
        let defect = match &end.head {
            None => Some((last, AuditDefect::Head)),
            Some(head) if !walk.key.made(MarkKind::Head, head) => Some((last, AuditDefect::Head)),
            Some(head) if head.sequence > last => Some((last + 1, AuditDefect::Missing)),
            Some(head) if head.sequence < last => Some((head.sequence + 1, AuditDefect::Unchained)),
            Some(head) if walk.sequence == last && head.hash != walk.hash => Some((last, AuditDefect::Head)),
            Some(_) if seen > last || walk.checkpoints.last() > last => {
                Some((last + 1, AuditDefect::Missing))
            }
            Some(_) => None,
        };
        if defect.is_some() && seen > last {
            self.seen.shout(walk.chain, end.last);
        }
        if let (None, Some(head)) = (defect, &end.head) {
            self.seen.remember_newer(head);
        }
        Ok(defect.map(|(sequence, defect)| walk.broken(sequence, defect)))
    }

    /// A chain without records: it was never begun, or was removed; or the note of its beginning was.
    async fn missing_from_the_beginning(&self, chain: &str) -> Result<Option<BrokenRecord>, BrokerError> {
        if chain == INSTALLATION || self.seen.sequence(chain) > 0 || self.ledger.begun(chain).await? {
            return Ok(Some(missing_from_the_first(chain.to_owned())));
        }
        let installation = AuditRange { chain: INSTALLATION.to_owned(), from: 0, to: 0, known: None };
        Ok(Box::pin(self.verify(&installation)).await?.broken)
    }

    async fn differs_from_known(
        &self,
        range: &AuditRange,
        end: &ChainEnd,
    ) -> Result<Option<BrokenRecord>, BrokerError> {
        let Some((sequence, hash)) = &range.known else { return Ok(None) };
        let broken = |sequence, defect| Some(BrokenRecord { chain: range.chain.clone(), sequence, defect });
        let last = end.last.unwrap_or(0);
        if *sequence > last {
            return Ok(broken(last + 1, AuditDefect::Missing));
        }
        let found = self.ledger.chained(&range.chain, sequence.saturating_sub(1), 1).await?;
        match found.first() {
            Some(record) if record.sequence == *sequence && record.hash == *hash => Ok(None),
            _ => Ok(broken(*sequence, AuditDefect::Unchained)),
        }
    }
}

fn missing_from_the_first(chain: String) -> BrokenRecord {
    BrokenRecord { chain, sequence: 1, defect: AuditDefect::Missing }
}

impl Walk<'_> {
    /// Verifies the next record.
    fn step(&mut self, record: ChainedRecord, first: u64) -> Option<BrokenRecord> {
        let next = self.sequence + 1;
        let anchors = record.sequence < first;
        let defect = if record.sequence != next {
            Some(AuditDefect::Missing)
        } else if !self.key.fits(&record) {
            Some(AuditDefect::Altered)
        } else if (!anchors || next == 1) && record.previous_hash != self.hash {
            Some(AuditDefect::Unchained)
        } else if !self.checkpoint_fits(&record) {
            Some(AuditDefect::Checkpoint)
        } else {
            None
        };
        if let Some(defect) = defect {
            return Some(self.broken(next, defect));
        }
        self.verified += u64::from(!anchors);
        (self.sequence, self.hash) = (record.sequence, record.hash);
        None
    }

    /// There is one where one belongs, and none elsewhere.
    fn checkpoint_fits(&mut self, record: &ChainedRecord) -> bool {
        match self.checkpoints.at(record.sequence) {
            Some(mark) => {
                record.sequence.is_multiple_of(CHECKPOINT_EVERY)
                    && mark.sequence == record.sequence
                    && mark.hash == record.hash
                    && self.key.made(MarkKind::Checkpoint, &mark)
            }
            None => !record.sequence.is_multiple_of(CHECKPOINT_EVERY),
        }
    }

    fn broken(&self, sequence: u64, defect: AuditDefect) -> BrokenRecord {
        BrokenRecord { chain: self.chain.to_owned(), sequence, defect }
    }
}
