//! Looking in from the outside.

use std::fs;
use std::path::Path;

use broker_core::ports::Escrow;
use broker_escrow::inspect;
use tempfile::TempDir;

use crate::support::{NOW, keep, number_of, numbers, open, record, segments};

fn files(directory: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_running_journal_is_inspected_without_being_changed() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    keep(&escrow, 1, 100, NOW).await;
    keep(&escrow, 2, 200, NOW).await;
    let before = files(directory.path());
    let found = inspect(directory.path()).unwrap();
    assert_eq!(files(directory.path()), before);
    assert_eq!((found.id, found.damaged), (Some(escrow.id()), 0));
    assert_eq!(found.records[1].attempt, record(2, 2, 200, NOW).attempt);
    let heads: Vec<_> = found.records.iter().map(|r| (r.status, r.received_at, r.length)).collect();
    assert_eq!(heads, [(200, NOW, 100), (200, NOW, 200)]);
    keep(&escrow, 3, 100, NOW).await;
    assert_eq!(numbers(&escrow).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_copy_of_what_a_dead_process_left_is_inspected_with_its_damage() {
    let (directory, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let escrow = open(directory.path());
    keep(&escrow, 1, 100, NOW).await;
    keep(&escrow, 2, 100, NOW).await;
    let mut bytes = fs::read(&segments(directory.path())[0]).unwrap();
    bytes.pop();
    fs::write(copy.path().join("0000000001.journal"), bytes).unwrap();
    let found = inspect(copy.path()).unwrap();
    let numbers: Vec<_> = found.records.iter().map(|record| number_of(record.attempt.id)).collect();
    assert_eq!((numbers, found.damaged, found.id), (vec![1], 1, None));
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let parent = TempDir::new().unwrap();
    let refused = inspect(&parent.path().join("nowhere")).unwrap_err();
    assert!(refused.to_string().contains("nowhere"), "{refused}");
}
