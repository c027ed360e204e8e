//! What earlier runs left, made smaller.

use std::time::Duration;

use broker_core::ports::{Durability, Escrow, EscrowRecord, Keep};
use tempfile::TempDir;

use crate::support::{KIB, NOW, attempt, bytes, keep, keep_for, numbers, open, record, segments};

/// Keeps the newest record of each grant received at `NOW` or later.
fn newest() -> Keep {
    Keep { newest_since: Some(NOW), ..Keep::default() }
}

#[tokio::test]
async fn the_newest_of_each_grant_and_the_unsettled_stay() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    let at = |seconds| NOW + Duration::from_secs(seconds);
    keep_for(&first, 1, 1, 100, at(0)).await;
    keep_for(&first, 2, 1, 100, at(1)).await;
    keep_for(&first, 3, 1, 100, at(2)).await;
    keep_for(&first, 4, 2, 100, at(1)).await;
    keep_for(&first, 5, 3, 100, NOW - Duration::from_secs(1)).await;
    drop(first);
    let second = open(directory.path());
    second.compact(&Keep { unsettled: [attempt(1)].into(), ..newest() }).await.unwrap();
    assert_eq!(numbers(&second).await, [1, 4, 3]);
    drop(second);
    assert_eq!(numbers(&open(directory.path())).await, [1, 4, 3], "on the disk as well");
}

#[tokio::test]
async fn nothing_named_is_nothing_kept_and_this_runs_records_are_not_touched() {
    let directory = TempDir::new().unwrap();
    keep(&open(directory.path()), 1, 100, NOW).await;
    let second = open(directory.path());
    keep(&second, 2, 100, NOW).await;
    second.compact(&Keep::default()).await.unwrap();
    second.compact(&Keep::default()).await.unwrap();
    assert_eq!(numbers(&second).await, [2]);
    keep(&second, 3, 100, NOW).await;
    drop(second);
    assert_eq!(numbers(&open(directory.path())).await, [2, 3]);
}

#[tokio::test]
async fn a_record_that_this_run_has_a_newer_one_for_goes() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    keep_for(&first, 1, 1, 100, NOW).await;
    keep_for(&first, 2, 2, 100, NOW).await;
    drop(first);
    let second = open(directory.path());
    keep_for(&second, 3, 1, 100, NOW + Duration::from_secs(1)).await;
    second.compact(&newest()).await.unwrap();
    assert_eq!(numbers(&second).await, [2, 3]);
}

#[tokio::test]
async fn a_refusal_does_not_take_the_place_of_a_success() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    keep_for(&first, 1, 1, 100, NOW).await;
    let refused = EscrowRecord { status: 503, ..record(2, 1, 100, NOW + Duration::from_secs(1)) };
    first.append(&refused, Durability::Process).await.unwrap();
    drop(first);
    let second = open(directory.path());
    second.compact(&newest()).await.unwrap();
    assert_eq!(numbers(&second).await, [1]);
}

#[tokio::test]
async fn many_short_runs_end_in_one_segment() {
    let directory = TempDir::new().unwrap();
    for run in 1..=6 {
        keep(&open(directory.path()), run, 100, NOW).await;
    }
    let escrow = open(directory.path());
    escrow.compact(&newest()).await.unwrap();
    assert_eq!(numbers(&escrow).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(segments(directory.path()).len(), 2, "that of earlier runs and that of this one");
}

#[tokio::test]
async fn numbers_go_on_after_everything_was_let_go() {
    let directory = TempDir::new().unwrap();
    for run in 1..=3 {
        let escrow = open(directory.path());
        escrow.compact(&Keep::default()).await.unwrap();
        keep(&escrow, run, 100, NOW).await;
    }
    assert_eq!(segments(directory.path()).len(), 1);
    assert_eq!(numbers(&open(directory.path())).await, [3]);
}

#[tokio::test]
async fn kept_records_never_take_more_than_half_of_the_room() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    for number in 1..=400 {
        keep(&first, number, 10 * KIB, NOW + Duration::from_secs(number.into())).await;
    }
    drop(first);
    let second = open(directory.path());
    let had = numbers(&second).await.len() as u64;
    second.compact(&newest()).await.unwrap();
    assert!(bytes(directory.path()) <= 5 << 19);
    let kept = numbers(&second).await;
    assert_eq!(kept.last(), Some(&400), "the last received come first");
    assert_eq!(second.let_go(), had - kept.len() as u64);
    second.reserve().await.unwrap();
}
