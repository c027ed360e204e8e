//! Reading the segments of earlier runs. Damage is counted, never a reason not to start.

use std::fs;
use std::io;
use std::path::PathBuf;

use broker_core::ports::EscrowRecord;

use crate::record::{self, Found};

/// What was found in some segments, oldest first.
#[derive(Default)]
pub(crate) struct Scan {
    pub(crate) records: Vec<EscrowRecord>,
    /// Places where a record cannot be read: torn at the end, or damaged within.
    pub(crate) damaged: u64,
}

impl Scan {
    pub(crate) fn of_files(paths: &[PathBuf]) -> io::Result<Self> {
        let mut scan = Self::default();
        for path in paths {
            let damaged_before = scan.damaged;
            scan.add(&fs::read(path)?);
            if scan.damaged > damaged_before {
                let damaged = scan.damaged - damaged_before;
                tracing::warn!(segment = %path.display(), damaged, "an escrow segment holds damaged records");
            }
        }
        Ok(scan)
    }

    fn add(&mut self, mut bytes: &[u8]) {
        loop {
            match record::read(bytes) {
                Found::Record(record, rest) => {
                    self.records.push(record);
                    bytes = rest;
                }
                Found::Damaged(rest) => {
                    self.damaged += 1;
                    bytes = rest;
                }
                Found::Broken => {
                    self.damaged += 1;
                    return;
                }
                Found::End => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use broker_core::{AttemptId, TenantId, Timestamp};
    use broker_crypto::Sealed;
    use proptest::prelude::*;

    use super::*;

    fn record(number: u8, body: Vec<u8>) -> EscrowRecord {
        EscrowRecord {
            tenant: TenantId::new("acme").unwrap(),
            attempt: AttemptId::from_bytes([number; 16]),
            status: 200 + u16::from(number),
            received_at: Timestamp::from_unix_micros(-i64::from(number)),
            body: Sealed::from_bytes(body),
        }
    }

    fn bytes(records: &[EscrowRecord]) -> Vec<u8> {
        records.iter().flat_map(|record| record::encode(record).unwrap()).collect()
    }

    fn scan(bytes: &[u8]) -> Scan {
        let mut scan = Scan::default();
        scan.add(bytes);
        scan
    }

    fn attempts(scan: &Scan) -> Vec<u8> {
        scan.records.iter().map(|record| record.attempt.as_bytes()[0]).collect()
    }

    #[test]
    fn a_tail_torn_at_any_byte_costs_only_the_torn_record() {
        let two = bytes(&[record(1, vec![7; 40]), record(2, vec![8; 40])]);
        let first = two.len() / 2;
        for cut in 0..two.len() {
            let scan = scan(&two[..cut]);
            assert_eq!(attempts(&scan), vec![1; usize::from(cut >= first)], "cut at {cut}");
            assert_eq!(scan.damaged, u64::from(cut != 0 && cut != first), "cut at {cut}");
        }
    }

    #[test]
    fn a_damaged_record_is_skipped() {
        let three: Vec<_> = (1..=3).map(|n| record(n, vec![n; 40])).collect();
        let (whole, one) = (bytes(&three), bytes(&three[..1]).len());
        // From the checksum on: a wrong length is the next test's.
        for at in one + 4..2 * one {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let scan = scan(&bytes);
            assert_eq!((attempts(&scan), scan.damaged), (vec![1, 3], 1), "byte {at}");
        }
    }

    #[test]
    fn after_an_impossible_length_nothing_is_read() {
        for length in [0u32, 27, (1 << 20) + 1, u32::MAX] {
            let mut bytes = bytes(&[record(1, vec![1; 40]), record(2, vec![2; 40])]);
            let second = bytes.len() / 2;
            bytes[second..second + 4].copy_from_slice(&length.to_be_bytes());
            let scan = scan(&bytes);
            assert_eq!((attempts(&scan), scan.damaged), (vec![1], 1), "length {length}");
        }
    }

    #[test]
    fn a_record_of_a_later_version_is_skipped() {
        let mut later = bytes(&[record(1, vec![1; 40])]);
        later[record::HEADER] = 2;
        let checksum = crc32fast::hash(&later[record::HEADER..]);
        later[4..record::HEADER].copy_from_slice(&checksum.to_be_bytes());
        later.extend(bytes(&[record(2, vec![2; 40])]));
        let scan = scan(&later);
        assert_eq!((attempts(&scan), scan.damaged), (vec![2], 1));
    }

    #[test]
    fn a_body_beyond_reading_is_not_written() {
        assert!(record::encode(&record(1, vec![0; 1 << 20])).is_none());
        assert!(record::encode(&record(1, vec![0; 70 << 10])).is_some());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            tenant in "[a-z0-9][a-z0-9._-]{0,63}",
            attempt: [u8; 16],
            status: u16,
            micros: i64,
            body in proptest::collection::vec(any::<u8>(), 0..4096),
        ) {
            let written = EscrowRecord {
                tenant: TenantId::new(tenant).unwrap(),
                attempt: AttemptId::from_bytes(attempt),
                status,
                received_at: Timestamp::from_unix_micros(micros),
                body: Sealed::from_bytes(body),
            };
            let scan = scan(&record::encode(&written).unwrap());
            let [read] = scan.records.as_slice() else { panic!("one record") };
            prop_assert_eq!((&read.tenant, read.attempt), (&written.tenant, written.attempt));
            prop_assert_eq!((read.status, read.received_at), (written.status, written.received_at));
            prop_assert_eq!(read.body.as_bytes(), written.body.as_bytes());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
            scan(&bytes);
        }

        #[test]
        fn damage_never_invents_a_record(
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..6),
            at: prop::sample::Index,
            with: u8,
        ) {
            let records: Vec<_> = (0u8..).zip(bodies).map(|(n, body)| record(n, body)).collect();
            let mut bytes = bytes(&records);
            let at = at.index(bytes.len());
            bytes[at] = with;
            for read in scan(&bytes).records {
                let written = &records[usize::from(read.attempt.as_bytes()[0])];
                prop_assert_eq!(read.body.as_bytes(), written.body.as_bytes());
            }
        }
    }
}
