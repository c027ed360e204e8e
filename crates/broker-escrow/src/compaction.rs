//! What of earlier runs' segments stays.

use std::cmp::Reverse;
use std::collections::HashSet;

use broker_core::ports::Keep;
use broker_core::{AttemptId, Timestamp};

use crate::Limits;
use crate::newest::{Head, Newest};
use crate::source::{Kept, Source};
use crate::step::{self, Step};

/// Decides by what [`Keep`] names and what there is room for.
pub(crate) struct Compaction<'a> {
    keep: &'a Keep,
    limits: Limits,
    sources: &'a [Source],
    /// Segments that stay as they are.
    whole: HashSet<u64>,
    /// Records of other segments that stay, by segment and first byte.
    stays: HashSet<(u64, usize)>,
    /// What of them is in one place already: a crash may have left copies.
    placed: HashSet<(AttemptId, Timestamp)>,
    /// Bytes that what stays takes.
    bytes: u64,
    /// Newest records that would have stayed had there been room.
    pub(crate) let_go: u64,
}

impl<'a> Compaction<'a> {
    /// `outranked` tells which records this run has a newer one for.
    pub(crate) fn plan(
        sources: &'a [Source],
        keep: &'a Keep,
        limits: Limits,
        outranked: impl Fn(&Head) -> bool,
    ) -> Self {
        let (whole, stays, placed) = Default::default();
        let mut compaction = Self { keep, limits, sources, whole, stays, placed, bytes: 0, let_go: 0 };
        compaction.choose_whole();
        compaction.choose_unsettled();
        compaction.choose_newest(outranked);
        compaction
    }

    /// The steps that leave what stays and nothing else.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let rewritten = self.sources.iter().filter(|source| !self.whole.contains(&source.number));
        let kept: Vec<_> = rewritten.map(|source| self.kept_of(source)).collect();
        let groups = groups(&kept, self.limits.segment_bytes);
        groups.into_iter().flat_map(step::rewrite).collect()
    }

    fn kept_of(&self, source: &Source) -> Kept {
        source.kept(|_, at| self.stays.contains(&(source.number, at)))
    }

    /// Damaged segments, the latest first: they may take half of what earlier runs may.
    fn choose_whole(&mut self) {
        let Some(since) = self.keep.damaged_since else { return };
        for source in self.sources.iter().rev().filter(|s| s.damaged > 0 && s.written_at >= since) {
            if self.bytes + source.bytes <= self.limits.earlier_bytes() / 2 {
                self.bytes += source.bytes;
                self.whole.insert(source.number);
                self.placed.extend(source.records.iter().map(|(head, _)| (head.attempt, head.received_at)));
            }
        }
    }

    /// What is unsettled stays at any price.
    fn choose_unsettled(&mut self) {
        for (segment, head, at) in positions(self.sources) {
            if self.keep.unsettled.contains(&head.attempt) {
                self.place(segment, head, at);
            }
        }
    }

    /// The newest record of each grant, the last received first, while there is room.
    fn choose_newest(&mut self, outranked: impl Fn(&Head) -> bool) {
        let Some(since) = self.keep.newest_since else { return };
        let mut newest = newest_of(self.sources, since);
        newest.retain(|(_, head, _)| !outranked(head));
        newest.sort_by_key(|(_, head, _)| Reverse(head.received_at));
        for (segment, head, at) in newest {
            match self.bytes + head.length <= self.limits.earlier_bytes() {
                true => self.place(segment, head, at),
                false if self.is_placed(head) => {}
                false => self.let_go += 1,
            }
        }
    }

    fn place(&mut self, segment: u64, head: &Head, at: usize) {
        if self.placed.insert((head.attempt, head.received_at)) {
            self.bytes += head.length;
            self.stays.insert((segment, at));
        }
    }

    fn is_placed(&self, head: &Head) -> bool {
        self.placed.contains(&(head.attempt, head.received_at))
    }
}

type Position<'a> = (u64, &'a Head, usize);

fn positions(sources: &[Source]) -> impl Iterator<Item = Position<'_>> {
    sources
        .iter()
        .flat_map(|source| source.records.iter().map(|(head, range)| (source.number, head, range.start)))
}

fn newest_of(sources: &[Source], since: Timestamp) -> Vec<Position<'_>> {
    let recent = || positions(sources).filter(|(_, head, _)| head.received_at >= since);
    let mut newest = Newest::default();
    recent().for_each(|(segment, head, _)| newest.note(segment, *head));
    recent().filter(|(segment, head, _)| newest.is(*segment, head)).collect()
}

/// Neighbours that fit into one segment together.
fn groups(mut kept: &[Kept], segment_bytes: u64) -> Vec<&[Kept]> {
    let mut groups = Vec::new();
    while !kept.is_empty() {
        let mut bytes = 0;
        let fits = |kept: &&Kept| {
            bytes += kept.bytes;
            bytes <= segment_bytes
        };
        let (group, rest) = kept.split_at(kept.iter().take_while(fits).count().max(1));
        groups.push(group);
        kept = rest;
    }
    groups
}
