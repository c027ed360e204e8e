//! While records cannot be written.

use std::time::Duration;

use broker_e2e::{House, LONGEST_WAIT, Provider};
use broker_proto::v1::Reason;
use tonic::Code;

use super::{meddle, vends, verify};
use crate::errors::refused;

/// From now on nothing can be recorded.
const BLOCK: &str =
    "CREATE TRIGGER block BEFORE INSERT ON audit_inbox BEGIN SELECT RAISE(ABORT, 'blocked'); END";
const UNBLOCK: &str = "DROP TRIGGER block";

#[tokio::test]
async fn strict_gives_no_token_that_is_not_recorded() {
    let house = House::plan().audit("vends = \"strict\"").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let mut given = 0;
    for _ in 0..3 {
        house.vend(&key).await.unwrap();
        given += 1;
    }
    meddle(&house, BLOCK).await;
    for _ in 0..3 {
        refused(house.vend(&key).await, Code::Unavailable, Reason::BackendUnavailable);
    }
    meddle(&house, UNBLOCK).await;
    house.vend(&key).await.unwrap();
    given += 1;
    assert_eq!(vends(&house).await.len(), given);
    assert_eq!(verify(&house, "acme").await.first_broken, None);
    house.close().await;
}

#[tokio::test]
async fn bounded_stops_once_a_record_waits_for_too_long_and_goes_on_once_it_is_written() {
    let house = House::plan().audit("vends_wait = \"300ms\"").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    meddle(&house, BLOCK).await;
    let mut given = 0;
    house.vend(&key).await.unwrap();
    given += 1;
    let closed = async {
        loop {
            match house.vend(&key).await {
                Ok(_) => given += 1,
                Err(error) => return error,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let closed = tokio::time::timeout(LONGEST_WAIT, closed).await.unwrap();
    refused::<()>(Err(closed), Code::Unavailable, Reason::BackendUnavailable);
    meddle(&house, UNBLOCK).await;
    let open = async {
        while house.vend(&key).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, open).await.unwrap();
    assert_eq!(vends(&house).await.len(), given + 1);
    house.close().await;
}

#[tokio::test]
async fn a_buffer_that_is_full_stops_vending() {
    let house = House::plan().audit("vends_waiting = 4").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    meddle(&house, BLOCK).await;
    let mut given = 0;
    let full = loop {
        match house.vend(&key).await {
            Ok(_) => given += 1,
            Err(error) => break error,
        }
        assert!(given < 50, "nothing is written, and everything is given");
    };
    refused::<()>(Err(full), Code::Unavailable, Reason::BackendUnavailable);
    meddle(&house, UNBLOCK).await;
    let written = async {
        while house.vend(&key).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, written).await.unwrap();
    assert_eq!(vends(&house).await.len(), given + 1);
    house.close().await;
}
