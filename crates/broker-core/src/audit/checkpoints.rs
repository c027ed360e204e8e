//! The checkpoints of a chain, read in pages beside its records.

use std::collections::VecDeque;

use super::ChainMark;
use crate::ports::{Ledger, StoreError};

/// Checkpoints read at once.
const PAGE: u32 = 200;

/// Those not met yet.
#[derive(Debug)]
pub(super) struct Checkpoints {
    read: VecDeque<ChainMark>,
    /// The place of the last one read.
    last: u64,
    all: bool,
}

impl Checkpoints {
    /// Those after a place.
    pub(super) fn after(sequence: u64) -> Self {
        Self { read: VecDeque::new(), last: sequence, all: false }
    }

    /// Reads on until every checkpoint up to a place is here.
    pub(super) async fn read_for(
        &mut self,
        ledger: &dyn Ledger,
        chain: &str,
        sequence: u64,
    ) -> Result<(), StoreError> {
        while !self.all && self.last < sequence {
            let page = ledger.checkpoints(chain, self.last, PAGE).await?;
            self.all = page.len() < PAGE as usize;
            self.last = page.last().map_or(self.last, |last| last.sequence);
            self.read.extend(page);
        }
        Ok(())
    }

    /// The first checkpoint not met, if it is not beyond a place.
    pub(super) fn at(&mut self, sequence: u64) -> Option<ChainMark> {
        match self.read.front() {
            Some(first) if first.sequence <= sequence => self.read.pop_front(),
            _ => None,
        }
    }

    /// The place of the last one read.
    pub(super) fn last(&self) -> u64 {
        self.last
    }
}
