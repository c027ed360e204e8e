//! Going through the bytes of a segment. Damage costs what it hit; what follows is read.

use std::ops::Range;

use crate::frame;
use crate::record::{self, View};

/// A record, and the bytes it takes.
pub(crate) type Found<'a> = (View<'a>, Range<usize>);

/// So many records that cannot be read: torn, rotten, or of another version.
pub(crate) struct Damaged(pub(crate) u64);

/// Everything in a segment, in the order of writing.
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn through(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Goes on to the next whole frame and answers how many broken ones lie before it.
    fn skip(&mut self) -> u64 {
        let mut broken = 1;
        self.at += 1;
        while let Some(distance) = next_start(&self.bytes[self.at..]) {
            self.at += distance;
            if frame::content(&self.bytes[self.at..]).is_some() {
                return broken;
            }
            broken += 1;
            self.at += 1;
        }
        self.at = self.bytes.len();
        broken
    }
}

fn next_start(bytes: &[u8]) -> Option<usize> {
    bytes.windows(frame::START.len()).position(|window| window == frame::START)
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Found<'a>, Damaged>;

    fn next(&mut self) -> Option<Result<Found<'a>, Damaged>> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let Some(content) = frame::content(rest) else { return Some(Err(Damaged(self.skip()))) };
        let range = self.at..self.at + frame::HEADER + content.len();
        self.at = range.end;
        Some(record::decode(content).map(|view| (view, range)).ok_or(Damaged(1)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{record, records_of};

    /// The numbers of the records that can be read, and how many cannot.
    fn read(bytes: &[u8]) -> (Vec<u8>, u64) {
        let (mut numbers, mut damaged) = (Vec::new(), 0);
        for found in Walk::through(bytes) {
            match found {
                Ok((view, range)) => {
                    let number = view.attempt.id.as_bytes()[0];
                    assert_eq!(
                        bytes[range],
                        record::encode(&record(number)).unwrap(),
                        "a record nobody wrote"
                    );
                    numbers.push(number);
                }
                Err(Damaged(count)) => damaged += count,
            }
        }
        (numbers, damaged)
    }

    #[test]
    fn a_cut_at_any_byte_keeps_every_whole_record_before_it() {
        let (whole, ends) = records_of(4);
        for cut in 0..=whole.len() {
            let (before, torn) =
                (ends.iter().filter(|end| **end <= cut).count(), !ends.contains(&cut) && cut > 0);
            let expected = ((0..4).take(before).collect::<Vec<u8>>(), u64::from(torn));
            assert_eq!(read(&whole[..cut]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn any_one_wrong_byte_costs_the_record_it_hits_and_no_other() {
        let (whole, ends) = records_of(4);
        for at in 0..whole.len() {
            let hit = ends.iter().filter(|end| **end <= at).count();
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let others = (0..4u8).filter(|number| usize::from(*number) != hit).collect::<Vec<_>>();
                assert_eq!(read(&bytes), (others, 1), "byte {at}, flip {flip:#x}");
            }
        }
    }

    #[test]
    fn neighbours_that_are_both_damaged_are_counted_as_two() {
        let (mut bytes, ends) = records_of(4);
        bytes[ends[0] + 60] ^= 1;
        bytes[ends[1] + 60] ^= 1;
        assert_eq!(read(&bytes), (vec![0, 3], 2));
    }

    #[test]
    fn a_record_of_a_later_version_is_counted_and_skipped() {
        let (one, _) = records_of(1);
        let mut content = frame::content(&one).unwrap().to_vec();
        content[0] = 2;
        let bytes = [frame::around(&content).unwrap(), one].concat();
        assert_eq!(read(&bytes), (vec![0], 1));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_no_record_and_cause_no_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..2048),
        ) {
            prop_assert_eq!(read(&bytes).0, Vec::<u8>::new());
        }

        #[test]
        fn overwritten_bytes_never_make_a_record(
            patch in proptest::collection::vec(any::<u8>(), 1..300),
            at: prop::sample::Index,
        ) {
            let (mut bytes, _) = records_of(4);
            let at = at.index(bytes.len());
            for (byte, patched) in bytes[at..].iter_mut().zip(patch) {
                *byte = patched;
            }
            read(&bytes);
        }
    }
}
