//! What goes when the journal grows.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::{Durability, Escrow, Keep};
use broker_crypto::OsEntropy;
use broker_escrow::{FileEscrow, Limits};
use rustix::fs::{FallocateFlags, fallocate};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::{KIB, NOW, SMALL, bytes, keep, keep_for, numbers, open, record, segments};

#[tokio::test]
async fn old_segments_go_and_recent_ones_stay() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    for number in 1..=14 {
        keep(&escrow, number, 10 * KIB, NOW).await;
    }
    keep(&escrow, 15, 10 * KIB, NOW + Duration::from_secs(3601)).await;
    escrow.reserve().await.unwrap();
    assert_eq!(numbers(&escrow).await, [15]);
    assert_eq!(escrow.let_go(), 0, "it was not for want of room");
}

#[tokio::test]
async fn records_that_grants_have_newer_ones_for_go_before_the_newest_of_any_grant() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    // 100 grants that were refreshed once, and one that is refreshed ever again: 20 MiB, of which 1 MiB counts.
    for number in 1..=2000 {
        let user = if number % 20 == 0 { number } else { 1 };
        keep_for(&escrow, number, user, 10 * KIB, NOW + Duration::from_secs(1)).await;
        assert!(bytes(directory.path()) <= SMALL.total_bytes);
    }
    let found = numbers(&escrow).await;
    let once: Vec<u32> = (1..=100).map(|number| number * 20).collect();
    assert!(once.iter().all(|number| found.contains(number)), "{found:?}");
    assert!(found.contains(&1999));
    assert_eq!(escrow.let_go(), 0);
    drop(escrow);
    let next = open(directory.path());
    assert_eq!(numbers(&next).await, found);
    assert_eq!(next.records().await.unwrap().damaged, 0);
}

#[tokio::test]
async fn mostly_dead_segments_are_made_smaller_long_before_room_is_short() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    for number in 1..=100 {
        keep_for(&escrow, number, number % 3, 10 * KIB, NOW).await;
    }
    assert!(bytes(directory.path()) < 256 << 10, "1 MiB was written");
}

#[tokio::test]
async fn the_total_is_bounded_by_letting_the_oldest_go_and_that_is_counted() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    for number in 1..=600 {
        keep(&escrow, number, 10 * KIB, NOW).await;
    }
    assert!(bytes(directory.path()) <= SMALL.total_bytes);
    let kept = numbers(&escrow).await;
    assert_eq!(kept.last(), Some(&600));
    assert!(kept.len() > 200 && kept.is_sorted());
    assert_eq!(escrow.let_go(), 600 - kept.len() as u64);
}

#[tokio::test]
async fn many_claims_at_once_find_room_where_it_is_short() {
    let directory = TempDir::new().unwrap();
    let escrow = Arc::new(open(directory.path()));
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let escrow = escrow.clone();
        tasks.spawn(async move {
            for number in 0..100 {
                keep(&escrow, task * 100 + number, 10 * KIB, NOW).await;
            }
        });
    }
    tasks.join_all().await;
    let found = escrow.records().await.unwrap();
    assert_eq!(escrow.let_go() + found.records.len() as u64, 800);
    assert_eq!(found.damaged, 0);
}

#[tokio::test]
async fn a_segment_with_damage_is_not_written_anew() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    for number in 1..=7 {
        keep_for(&escrow, number, 1, 10 * KIB, NOW).await;
    }
    let first = &segments(directory.path())[0];
    let mut damaged = fs::read(first).unwrap();
    damaged[100] ^= 1;
    fs::write(first, &damaged).unwrap();
    for number in 8..=30 {
        keep_for(&escrow, number, 1, 10 * KIB, NOW).await;
    }
    assert_eq!(fs::read(first).unwrap(), damaged);
    assert!(segments(directory.path()).len() <= 3, "the others were");
}

#[tokio::test]
async fn what_earlier_runs_left_is_never_dropped_and_may_fill_the_journal() {
    let directory = TempDir::new().unwrap();
    let roomy = Limits { total_bytes: 64 << 20, ..SMALL };
    let first = FileEscrow::open(directory.path(), roomy, &OsEntropy).unwrap();
    for number in 1..=500 {
        keep(&first, number, 10 * KIB, NOW).await;
    }
    drop(first);

    let second = open(directory.path());
    let refused = second.reserve().await.unwrap_err();
    assert!(refused.problem.contains("no room"), "{refused}");
    second.append(&record(501, 501, KIB, NOW), Durability::Process).await.unwrap();
    assert_eq!(numbers(&second).await.len(), 501);
    second.compact(&Keep::default()).await.unwrap();
    second.reserve().await.unwrap();
}

#[tokio::test]
async fn room_is_reserved_ahead_of_what_is_written() {
    let directory = TempDir::new().unwrap();
    let escrow = open(directory.path());
    keep(&escrow, 1, 100, NOW).await;
    let segment = fs::metadata(&segments(directory.path())[0]).unwrap();
    assert!(segment.len() < 400, "a reader sees records only");
    let probe = tempfile::tempfile_in(directory.path()).unwrap();
    let can_reserve = fallocate(&probe, FallocateFlags::KEEP_SIZE, 0, 4096).is_ok();
    assert_eq!(segment.blocks() * 512 >= 1 << 20, can_reserve);
}
