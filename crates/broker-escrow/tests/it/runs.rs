//! What one run writes and another finds.

use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::{Durability, Escrow};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::{KIB, NOW, keep, numbers, open, record, segments};

#[tokio::test]
async fn records_of_this_run_and_of_earlier_ones_are_found_whole() {
    let directory = TempDir::new().unwrap();
    for run in 1..=3 {
        let escrow = open(directory.path());
        keep(&escrow, run, 100, NOW + Duration::from_secs(run.into())).await;
        assert_eq!(numbers(&escrow).await, (1..=run).collect::<Vec<_>>());
    }
    let found = open(directory.path()).records().await.unwrap();
    assert_eq!(found.damaged, 0);
    let expected = record(2, 2, 100, NOW + Duration::from_secs(2));
    assert_eq!(found.records[1].attempt, expected.attempt);
    assert_eq!((found.records[1].status, found.records[1].received_at), (200, expected.received_at));
    assert_eq!(found.records[1].body.as_bytes(), [7; 100]);
}

#[tokio::test]
async fn records_are_told_oldest_first_whatever_the_order_of_writing() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    for number in [3, 1, 2] {
        keep(&escrow, number, 100, NOW + Duration::from_secs(number.into())).await;
    }
    assert_eq!(numbers(&escrow).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_full_segment_is_followed_by_another_and_order_is_kept() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    let expected: Vec<u32> = (1..=40).collect();
    for number in &expected {
        keep(&escrow, *number, 10 * KIB, NOW).await;
    }
    assert!(segments(directory.path()).len() >= 6);
    assert_eq!(numbers(&escrow).await, expected);
    drop(escrow);
    assert_eq!(numbers(&open(directory.path())).await, expected);
}

#[tokio::test]
async fn what_the_disk_confirmed_is_there_as_well() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    escrow.reserve().await.unwrap();
    escrow.append(&record(1, 1, 100, NOW), Durability::Machine).await.unwrap();
    escrow.append(&record(2, 2, 100, NOW), Durability::Process).await.unwrap();
    escrow.append(&record(3, 3, 100, NOW), Durability::Machine).await.unwrap();
    assert_eq!(numbers(&escrow).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_response_too_long_to_be_read_back_is_refused() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    let refused = escrow.append(&record(1, 1, 1 << 20, NOW), Durability::Process).await.unwrap_err();
    assert!(refused.problem.contains("too long"), "{refused}");
    keep(&escrow, 2, 100, NOW).await;
    assert_eq!(numbers(&escrow).await, [2]);
}

#[tokio::test]
async fn concurrent_appends_never_mix() {
    let directory = TempDir::new().unwrap();
    let escrow = Arc::new(open(directory.path()));
    let mut tasks = JoinSet::new();
    for number in 1..=64 {
        let escrow = escrow.clone();
        tasks.spawn(async move { keep(&escrow, number, number as usize * 50, NOW).await });
    }
    tasks.join_all().await;
    let mut found = numbers(&escrow).await;
    found.sort_unstable();
    assert_eq!(found, (1..=64).collect::<Vec<_>>());
    assert_eq!(escrow.records().await.unwrap().damaged, 0);
}
