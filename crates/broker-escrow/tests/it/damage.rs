//! Files that rotted or were torn.

use std::fs;
use std::time::Duration;

use broker_core::ports::{Escrow, Keep};
use tempfile::TempDir;

use crate::support::{NOW, attempt, keep, numbers, open, segments};

#[tokio::test]
async fn damage_is_counted_and_costs_only_what_it_hit() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    for number in 1..=4 {
        keep(&first, number, 100, NOW).await;
    }
    drop(first);
    let segment = &segments(directory.path())[0];
    let mut bytes = fs::read(segment).unwrap();
    let one = bytes.len() / 4;
    bytes[one + 5] ^= 1;
    bytes.truncate(4 * one - 1);
    fs::write(segment, bytes).unwrap();

    let second = open(directory.path());
    keep(&second, 5, 100, NOW).await;
    assert_eq!(numbers(&second).await, [1, 3, 5], "a wrong length costs one record, a torn end another");
    assert_eq!(second.records().await.unwrap().damaged, 2);
}

#[tokio::test]
async fn a_damaged_file_is_kept_whole_for_a_while_and_then_what_can_be_read_is_treated_as_any_other() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    for number in 1..=3 {
        keep(&first, number, 100, NOW).await;
    }
    drop(first);
    let segment = &segments(directory.path())[0];
    let mut bytes = fs::read(segment).unwrap();
    bytes[20] ^= 1;
    fs::write(segment, &bytes).unwrap();
    let written = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    fs::File::options().append(true).open(segment).unwrap().set_modified(written).unwrap();

    let second = open(directory.path());
    second.compact(&Keep { damaged_since: Some(NOW), ..Keep::default() }).await.unwrap();
    assert_eq!(fs::read(segment).unwrap(), bytes);
    assert_eq!(numbers(&second).await, [2, 3]);

    let later = Some(NOW + Duration::from_secs(1));
    let keep = Keep { damaged_since: later, unsettled: [attempt(3)].into(), ..Keep::default() };
    second.compact(&keep).await.unwrap();
    assert_eq!(numbers(&second).await, [3]);
    assert_eq!(second.records().await.unwrap().damaged, 0);
}
