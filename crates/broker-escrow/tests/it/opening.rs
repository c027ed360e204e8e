//! Directories, locks and ids.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use broker_core::EscrowId;
use broker_core::ports::Escrow;
use broker_crypto::OsEntropy;
use broker_escrow::{FileEscrow, Limits, OpenError};
use tempfile::TempDir;

use crate::support::{NOW, SMALL, keep, numbers, open};

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

#[test]
fn the_id_stays_with_the_directory() {
    let directory = TempDir::new().unwrap();
    let id = open(directory.path()).id();
    assert_eq!(open(directory.path()).id(), id);
    assert_ne!(open(TempDir::new().unwrap().path()).id(), id);
    let file = fs::read_to_string(directory.path().join("escrow_id")).unwrap();
    assert_eq!(EscrowId::parse(&file), Some(id));
    assert_eq!(file.len(), 36, "{file}");
}

#[test]
fn a_file_that_holds_no_id_is_refused() {
    let directory = TempDir::new().unwrap();
    for bytes in [b"".as_slice(), b"not an id", &[b'f'; 31], &[b'+'; 32], &[0xff; 36]] {
        fs::write(directory.path().join("escrow_id"), bytes).unwrap();
        let refused = FileEscrow::open(directory.path(), SMALL, &OsEntropy).unwrap_err();
        assert!(matches!(refused, OpenError::BadId { .. }), "{bytes:?}");
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

#[test]
fn limits_without_room_are_refused() {
    let directory = TempDir::new().unwrap();
    for limits in [
        Limits { total_bytes: 4 << 20, ..SMALL },
        Limits { segment_bytes: 0, ..SMALL },
        Limits::with_total((8 << 20) - 8),
    ] {
        let refused = FileEscrow::open(directory.path(), limits, &OsEntropy).unwrap_err();
        assert!(matches!(refused, OpenError::TooSmall), "{refused:?}");
    }
    FileEscrow::open(directory.path(), Limits::with_total(8 << 20), &OsEntropy).unwrap();
}

#[tokio::test]
async fn a_draft_that_a_crash_left_is_removed_and_other_files_are_left_alone() {
    let directory = TempDir::new().unwrap();
    keep(&open(directory.path()), 1, 100, NOW).await;
    let (draft, note) = (directory.path().join("0000000001.draft"), directory.path().join("README"));
    fs::write(&draft, "half").unwrap();
    fs::write(&note, "the operator's").unwrap();
    assert_eq!(numbers(&open(directory.path())).await, [1]);
    assert!(!draft.exists() && note.exists());
}
