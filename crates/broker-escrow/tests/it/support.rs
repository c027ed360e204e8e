//! Records by number, and ways to look at what became of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use broker_core::ports::{Durability, Escrow, EscrowRecord};
use broker_core::{
    AccountLabel, Attempt, AttemptId, AttemptKind, AttemptPhase, Generation, GrantKey, IncarnationId,
    LineageId, ProviderName, RegistrationId, TenantId, Timestamp, UserId,
};
use broker_crypto::{OsEntropy, Sealed};
use broker_escrow::{FileEscrow, Limits};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
pub(crate) const KIB: usize = 1024;

/// Segments of 64 KiB, 5 MiB in all.
pub(crate) const SMALL: Limits =
    Limits { segment_bytes: 64 << 10, total_bytes: 5 << 20, keep: Duration::from_secs(3600) };

pub(crate) fn open(directory: &Path) -> FileEscrow {
    FileEscrow::open(directory, SMALL, &OsEntropy).unwrap()
}

pub(crate) fn attempt(number: u32) -> AttemptId {
    let mut id = [0; 16];
    id[12..].copy_from_slice(&number.to_be_bytes());
    AttemptId::from_bytes(id)
}

/// A success for the user of that number.
pub(crate) fn record(number: u32, user: u32, size: usize, received_at: Timestamp) -> EscrowRecord {
    EscrowRecord {
        attempt: Attempt {
            id: attempt(number),
            kind: AttemptKind::Refresh,
            key: GrantKey {
                tenant: TenantId::new("acme").unwrap(),
                provider: ProviderName::new("evercam").unwrap(),
                user: UserId::new(format!("user {user}")).unwrap(),
                account: AccountLabel::default_label(),
            },
            registration: RegistrationId::new("acme-cameras").unwrap(),
            lineage: LineageId::from_bytes([7; 16]),
            generation: Generation::new(number.into()),
            presentation_no: 1,
            owner: IncarnationId::from_bytes([9; 16]),
            claimed_at: received_at,
            sent_at: Some(received_at),
            phase: AttemptPhase::Sent,
        },
        status: 200,
        received_at,
        body: Sealed::from_bytes(vec![7; size]),
    }
}

/// Reserves and appends, as every attempt does: a record of its own user.
pub(crate) async fn keep(escrow: &FileEscrow, number: u32, size: usize, received_at: Timestamp) {
    keep_for(escrow, number, number, size, received_at).await;
}

pub(crate) async fn keep_for(
    escrow: &FileEscrow,
    number: u32,
    user: u32,
    size: usize,
    received_at: Timestamp,
) {
    escrow.reserve().await.unwrap();
    escrow.append(&record(number, user, size, received_at), Durability::Process).await.unwrap();
}

/// The numbers of the records that are there.
pub(crate) async fn numbers(escrow: &FileEscrow) -> Vec<u32> {
    let number = |record: EscrowRecord| number_of(record.attempt.id);
    escrow.records().await.unwrap().records.into_iter().map(number).collect()
}

pub(crate) fn number_of(attempt: AttemptId) -> u32 {
    u32::from_be_bytes(attempt.as_bytes()[12..].try_into().unwrap())
}

pub(crate) fn segments(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "journal")).collect();
    paths.sort();
    paths
}

pub(crate) fn bytes(directory: &Path) -> u64 {
    segments(directory).iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}
