//! The journal on a disk: runs, limits, locks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use broker_core::ports::{Escrow, EscrowRecord};
use broker_core::{AttemptId, TenantId, Timestamp};
use broker_crypto::{OsEntropy, Sealed};
use broker_escrow::{FileEscrow, Limits, OpenError};
use rustix::fs::{FallocateFlags, fallocate};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const KIB: usize = 1024;

/// Segments of 64 KiB, 4 MiB in all.
const SMALL: Limits =
    Limits { segment_bytes: 64 << 10, total_bytes: 4 << 20, keep: Duration::from_secs(3600) };

fn open(directory: &Path) -> FileEscrow {
    FileEscrow::open(directory, SMALL, &OsEntropy).unwrap()
}

fn record(number: u32, size: usize, received_at: Timestamp) -> EscrowRecord {
    let mut attempt = [0; 16];
    attempt[12..].copy_from_slice(&number.to_be_bytes());
    EscrowRecord {
        tenant: TenantId::new("acme").unwrap(),
        attempt: AttemptId::from_bytes(attempt),
        status: 200,
        received_at,
        body: Sealed::from_bytes(vec![7; size]),
    }
}

/// Reserves and appends, as every attempt does.
async fn keep(escrow: &FileEscrow, number: u32, size: usize, received_at: Timestamp) {
    escrow.reserve().await.unwrap();
    escrow.append(&record(number, size, received_at)).await.unwrap();
}

async fn earlier(escrow: &FileEscrow) -> Vec<u32> {
    let number =
        |record: EscrowRecord| u32::from_be_bytes(record.attempt.as_bytes()[12..].try_into().unwrap());
    escrow.earlier_records().await.unwrap().records.into_iter().map(number).collect()
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "journal")).collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn the_next_run_finds_what_this_one_wrote() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    for number in 1..=3 {
        keep(&first, number, 100, NOW).await;
    }
    assert_eq!(earlier(&first).await, [0; 0], "its own are not earlier ones");
    drop(first);

    let second = open(directory.path());
    keep(&second, 4, 100, NOW).await;
    assert_eq!(earlier(&second).await, [1, 2, 3]);
    let found = second.earlier_records().await.unwrap().records.remove(0);
    assert_eq!((found.status, found.received_at), (200, NOW));
    assert_eq!(found.body.as_bytes(), [7; 100]);
    drop(second);

    assert_eq!(earlier(&open(directory.path())).await, [1, 2, 3, 4], "until they are forgotten");
}

#[tokio::test]
async fn forgetting_leaves_this_runs_records() {
    let directory = TempDir::new().unwrap();
    keep(&open(directory.path()), 1, 100, NOW).await;
    let second = open(directory.path());
    keep(&second, 2, 100, NOW).await;
    second.forget_earlier(None).await.unwrap();
    second.forget_earlier(None).await.unwrap();
    assert_eq!(earlier(&second).await, [0; 0]);
    keep(&second, 3, 100, NOW).await;
    drop(second);
    assert_eq!(earlier(&open(directory.path())).await, [2, 3]);
}

#[tokio::test]
async fn numbers_go_on_after_forgetting() {
    let directory = TempDir::new().unwrap();
    for run in 1..=3 {
        let escrow = open(directory.path());
        escrow.forget_earlier(None).await.unwrap();
        keep(&escrow, run, 100, NOW).await;
    }
    assert_eq!(segments(directory.path()).len(), 1);
    assert_eq!(earlier(&open(directory.path())).await, [3]);
}

#[tokio::test]
async fn a_second_opener_is_told_the_directory_and_what_to_do() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    let refused = FileEscrow::open(directory.path(), SMALL, &OsEntropy).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(
        text.contains(directory.path().to_str().unwrap()) && text.contains("stop the other one"),
        "{text}"
    );
    drop(first);
    open(directory.path());
}

#[tokio::test]
async fn the_id_stays_with_the_directory() {
    let directory = TempDir::new().unwrap();
    let id = open(directory.path()).id();
    assert_eq!(open(directory.path()).id(), id);
    assert_ne!(open(TempDir::new().unwrap().path()).id(), id);
    for text in ["", "not an id", &"f".repeat(31), &"+".repeat(32)] {
        fs::write(directory.path().join("escrow_id"), text).unwrap();
        let refused = FileEscrow::open(directory.path(), SMALL, &OsEntropy).unwrap_err();
        assert!(matches!(refused, OpenError::BadId { .. }), "{text}");
    }
}

#[tokio::test]
async fn only_the_owner_may_read() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("escrow");
    let escrow = open(&directory);
    keep(&escrow, 1, 100, NOW).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn damage_is_counted_and_costs_only_what_it_hit() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    for number in 1..=3 {
        keep(&first, number, 100, NOW).await;
    }
    drop(first);
    let segment = &segments(directory.path())[0];
    let mut bytes = fs::read(segment).unwrap();
    let one = bytes.len() / 3;
    bytes[one + 50] ^= 1;
    bytes.truncate(3 * one - 1);
    fs::write(segment, bytes).unwrap();

    let second = open(directory.path());
    assert_eq!(earlier(&second).await, [1]);
    assert_eq!(second.earlier_records().await.unwrap().damaged, 2);
    keep(&second, 4, 100, NOW).await;
    drop(second);
    assert_eq!(earlier(&open(directory.path())).await, [1, 4]);
}

#[tokio::test]
async fn what_could_not_be_settled_is_kept_for_a_while_and_then_let_go() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    keep(&first, 1, 100, NOW).await;
    drop(first);
    let segment = &segments(directory.path())[0];
    let written = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    fs::File::options().append(true).open(segment).unwrap().set_modified(written).unwrap();
    let second = open(directory.path());
    let at = Timestamp::from_unix_seconds(1_700_000_000);
    second.forget_earlier(Some(at)).await.unwrap();
    assert_eq!(earlier(&second).await, [1]);
    second.forget_earlier(Some(at + Duration::from_secs(1))).await.unwrap();
    assert_eq!(earlier(&second).await, [0; 0]);
}

#[tokio::test]
async fn files_of_others_are_left_alone() {
    let directory = TempDir::new().unwrap();
    let note = directory.path().join("README");
    fs::write(&note, "the operator's").unwrap();
    let escrow = open(directory.path());
    escrow.forget_earlier(None).await.unwrap();
    assert!(note.exists());
}

#[tokio::test]
async fn a_full_segment_is_followed_by_another_and_order_is_kept() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    let numbers: Vec<u32> = (1..=40).collect();
    for number in &numbers {
        keep(&escrow, *number, 10 * KIB, NOW).await;
    }
    drop(escrow);
    assert!(segments(directory.path()).len() >= 6);
    assert_eq!(earlier(&open(directory.path())).await, numbers);
}

#[tokio::test]
async fn old_segments_go_and_recent_ones_stay() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    for number in 1..=14 {
        keep(&escrow, number, 10 * KIB, NOW).await;
    }
    keep(&escrow, 15, 10 * KIB, NOW + Duration::from_secs(3601)).await;
    escrow.reserve().await.unwrap();
    drop(escrow);
    // Two whole segments of seven were old; the third has the recent record in it.
    assert_eq!(earlier(&open(directory.path())).await, [15]);
}

#[tokio::test]
async fn the_total_is_bounded_by_letting_the_oldest_go() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    for number in 1..=600 {
        keep(&escrow, number, 10 * KIB, NOW).await;
    }
    drop(escrow);
    let bytes: u64 = segments(directory.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(bytes <= SMALL.total_bytes, "{bytes}");
    let kept = earlier(&open(directory.path())).await;
    assert_eq!(kept.last(), Some(&600));
    assert!(kept.len() > 100 && kept.is_sorted());
}

#[tokio::test]
async fn what_earlier_runs_left_is_never_dropped_and_may_fill_the_journal() {
    let directory = TempDir::new().unwrap();
    let roomy = Limits { total_bytes: 64 << 20, ..SMALL };
    let first = FileEscrow::open(directory.path(), roomy, &OsEntropy).unwrap();
    for number in 1..=400 {
        keep(&first, number, 10 * KIB, NOW).await;
    }
    drop(first);

    let second = open(directory.path());
    let refused = second.reserve().await.unwrap_err();
    assert!(refused.problem.contains("no room"), "{refused}");
    second.append(&record(401, KIB, NOW)).await.unwrap();
    assert_eq!(earlier(&second).await.len(), 400);
    second.forget_earlier(None).await.unwrap();
    second.reserve().await.unwrap();
}

#[tokio::test]
async fn concurrent_appends_never_mix() {
    let directory = TempDir::new().unwrap();
    let escrow = std::sync::Arc::new(open(directory.path()));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=64 {
        let escrow = escrow.clone();
        tasks.spawn(async move { keep(&escrow, number, number as usize * 50, NOW).await });
    }
    tasks.join_all().await;
    drop(escrow);
    let next = open(directory.path());
    let mut found = earlier(&next).await;
    found.sort_unstable();
    assert_eq!(found, (1..=64).collect::<Vec<_>>());
    assert_eq!(next.earlier_records().await.unwrap().damaged, 0);
}

#[tokio::test]
async fn limits_without_room_are_refused() {
    let directory = TempDir::new().unwrap();
    let limits = Limits { total_bytes: 2 << 20, ..SMALL };
    let refused = FileEscrow::open(directory.path(), limits, &OsEntropy).unwrap_err();
    assert!(matches!(refused, OpenError::TooSmall), "{refused:?}");
}

#[tokio::test]
async fn room_is_reserved_ahead_of_what_is_written() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    keep(&escrow, 1, 100, NOW).await;
    let segment = fs::metadata(&segments(directory.path())[0]).unwrap();
    assert!(segment.len() < 200, "a reader sees records only");
    let probe = tempfile::tempfile_in(directory.path()).unwrap();
    let can_reserve = fallocate(&probe, FallocateFlags::KEEP_SIZE, 0, 4096).is_ok();
    assert_eq!(segment.blocks() * 512 >= 1 << 20, can_reserve);
}
