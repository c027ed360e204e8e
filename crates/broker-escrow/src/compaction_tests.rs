//! What a compaction leaves, finished or not.

use std::fs;
use std::ops::Range;
use std::path::Path;

use broker_core::ports::{EscrowRecord, Keep};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::compaction::Compaction;
use crate::scan::{self, Extent};
use crate::source::Source;
use crate::step::{self, Step};
use crate::testing::{at, record};
use crate::{Limits, record, segment};

/// Everything, to the end of whatever is there.
const ALL: Extent = Extent { segment: u64::MAX, bytes: u64::MAX };

/// A record of one of four grants, by its number; the second of each segment begins where the first ends.
fn answer(number: u8, grant: u8, status: u16, seconds: i64) -> EscrowRecord {
    let mut answer = record(number);
    answer.attempt.key = record(grant).attempt.key;
    EscrowRecord { status, received_at: at(seconds), ..answer }
}

/// Segments from 1 on.
fn write(directory: &Path, segments: &[Vec<EscrowRecord>]) {
    for (number, records) in (1..).zip(segments) {
        let bytes: Vec<_> = records.iter().flat_map(|record| record::encode(record).unwrap()).collect();
        fs::write(segment::path_of(directory, number), bytes).unwrap();
    }
}

fn sources(directory: &Path, numbers: Range<u64>) -> Vec<Source> {
    numbers.map(|number| Source::read(directory, number).unwrap()).collect()
}

fn plan(directory: &Path, segments: usize, keep: &Keep, limits: Limits) -> (Vec<Step>, u64) {
    let sources = sources(directory, 1..segments as u64 + 1);
    let compaction = Compaction::plan(&sources, keep, limits, |_| false);
    (compaction.steps(), compaction.let_go)
}

/// The numbers of the records that are there, in ascending order.
fn numbers(directory: &Path) -> Vec<u8> {
    let records = scan::records(directory, ALL).unwrap().records;
    let mut numbers: Vec<_> = records.iter().map(|record| record.attempt.id.as_bytes()[0]).collect();
    numbers.sort_unstable();
    numbers
}

/// What [`Keep`] says in the plainest way: look at every record and every other.
fn named_by(keep: &Keep, all: &[EscrowRecord]) -> Vec<u8> {
    let rank =
        |record: &EscrowRecord, place| ((200..300).contains(&record.status), record.received_at, place);
    let newest = |record: &EscrowRecord, place, since| {
        let same = all.iter().zip(0..).filter(|(other, _)| other.attempt.key == record.attempt.key);
        let recent = same.filter(|(other, _)| other.received_at >= since);
        recent.max_by_key(|(other, place)| rank(other, *place)).is_some_and(|(_, newest)| newest == place)
    };
    let stays = |record: &EscrowRecord, place| {
        let unsettled = keep.unsettled.contains(&record.attempt.id);
        unsettled || keep.newest_since.is_some_and(|since| newest(record, place, since))
    };
    let named = all.iter().zip(0..).filter(|(record, place)| stays(record, *place));
    named.map(|(record, _)| record.attempt.id.as_bytes()[0]).collect()
}

prop_compose! {
    /// Up to 24 records in segments of any length, some empty.
    fn any_journal()(
        answers in proptest::collection::vec((0u8..4, prop::sample::select(vec![200, 400, 503]), 0i64..20, 0..3), 0..24),
    ) -> Vec<Vec<EscrowRecord>> {
        let mut segments = vec![Vec::new()];
        for (number, (grant, status, seconds, next)) in (0u8..).zip(answers) {
            if next == 0 {
                segments.push(Vec::new());
            }
            segments.last_mut().unwrap().push(answer(number, grant, status, seconds));
        }
        segments
    }
}

prop_compose! {
    fn any_keep()(
        since: Option<u8>,
        unsettled in proptest::collection::hash_set(0u8..24, 0..4),
    ) -> Keep {
        Keep {
            newest_since: since.map(|since| at(i64::from(since % 20))),
            unsettled: unsettled.into_iter().map(|number| record(number).attempt.id).collect(),
            damaged_since: None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_named_stays_and_nothing_else_and_a_crash_at_any_step_loses_none_of_it(
        segments in any_journal(),
        keep in any_keep(),
        segment_bytes in 200u64..2000,
    ) {
        let limits = Limits { segment_bytes, ..Limits::default() };
        let named = named_by(&keep, &segments.concat());
        let count = {
            let directory = TempDir::new().unwrap();
            write(directory.path(), &segments);
            let (steps, _) = plan(directory.path(), segments.len(), &keep, limits);
            step::take(&steps, directory.path()).unwrap();
            prop_assert_eq!(&numbers(directory.path()), &named);
            steps.len()
        };
        for crash in 0..count {
            let directory = TempDir::new().unwrap();
            write(directory.path(), &segments);
            let (steps, _) = plan(directory.path(), segments.len(), &keep, limits);
            step::take(&steps[..crash], directory.path()).unwrap();
            let left = numbers(directory.path());
            prop_assert!(named.iter().all(|number| left.contains(number)), "{named:?} {left:?} at {crash}");
            crate::directory::remove_drafts(directory.path()).unwrap();
            again(directory.path(), &keep, limits);
            prop_assert_eq!(&numbers(directory.path()), &named);
        }
    }
}

/// The next run's compaction.
fn again(directory: &Path, keep: &Keep, limits: Limits) {
    let present = crate::directory::segments(directory).unwrap();
    let sources: Vec<_> =
        present.iter().map(|(number, _)| Source::read(directory, *number).unwrap()).collect();
    step::take(&Compaction::plan(&sources, keep, limits, |_| false).steps(), directory).unwrap();
    let copies: usize = crate::directory::segments(directory)
        .unwrap()
        .iter()
        .map(|(number, _)| Source::read(directory, *number).unwrap().records.len())
        .sum();
    assert_eq!(copies, numbers(directory).len(), "copies a crash left are gone");
}

#[test]
fn where_room_is_short_the_unsettled_stay_and_of_the_newest_those_received_last() {
    let directory = TempDir::new().unwrap();
    let one = record::encode(&answer(0, 0, 200, 0)).unwrap().len() as u64;
    write(directory.path(), &[(0..4).map(|number| answer(number, number, 200, number.into())).collect()]);
    let limits = Limits { total_bytes: 2 * 3 * one, ..Limits::default() };
    let unsettled = [record(0).attempt.id].into();
    let keep = Keep { newest_since: Some(at(0)), unsettled, damaged_since: None };
    let (steps, let_go) = plan(directory.path(), 1, &keep, limits);
    step::take(&steps, directory.path()).unwrap();
    assert_eq!((numbers(directory.path()), let_go), (vec![0, 2, 3], 1));
}

#[test]
fn segments_of_which_all_stays_are_not_touched() {
    let directory = TempDir::new().unwrap();
    write(directory.path(), &[vec![answer(0, 0, 200, 0)], vec![answer(1, 1, 200, 1)]]);
    let limits = Limits { segment_bytes: 200, ..Limits::default() };
    let keep = Keep { newest_since: Some(at(0)), ..Keep::default() };
    assert!(plan(directory.path(), 2, &keep, limits).0.is_empty());
}

#[test]
fn a_record_of_which_a_crash_left_copies_is_read_once() {
    let directory = TempDir::new().unwrap();
    write(directory.path(), &[vec![answer(0, 0, 200, 0)], vec![answer(0, 0, 200, 0), answer(1, 0, 200, 1)]]);
    assert_eq!(numbers(directory.path()), [0, 1]);
}
