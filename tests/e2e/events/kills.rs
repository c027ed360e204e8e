//! Kills of the broker and of the consumer: no event is missing, none is told twice to who resumes, none is out of order.

use std::collections::BTreeMap;

use broker_e2e::{House, Provider};
use broker_proto::v1::{Event, EventType, GrantKey};

use super::{Reader, is_of};
use crate::BINARY;

const KILLS: usize = 12;
const USERS: usize = 4;
/// After a restart what was in flight is settled first.
const REFRESHES: usize = 3;

#[tokio::test]
async fn no_kill_makes_a_gap_or_changes_the_order() {
    let mut house = House::plan()
        .child(BINARY)
        .rotation("connect_timeout", "1s")
        .rotation("provider_timeout", "2s")
        .rotation("lease_ttl", "4s")
        .rotation("orphan_wait", "4s")
        .rotation("tick", "100ms")
        .open()
        .await;
    let mut keys = Vec::new();
    for user in 0..USERS {
        keys.push(house.consent(Provider::Evercam, &format!("user-{user}")).await);
    }
    let (mut seen, mut next) = (Vec::new(), 1);
    for kill in 0..KILLS {
        let mut reader = Reader::from(&house.client, next).await;
        refresh_some(&house, &keys, kill).await;
        // The consumer leaves at another place each time, often in the middle of what there is.
        for _ in 0..kill % (REFRESHES + 1) {
            seen.push(reader.event().await);
        }
        next = reader.next;
        house.kill().await;
        house.restart().await;
    }
    // Whatever came before this one has its place before it.
    let last = house.consent(Provider::EagleEye, "last").await;
    let mut reader = Reader::from(&house.client, next).await;
    while !seen.last().is_some_and(|event| is_of(event, &last)) {
        seen.push(reader.event().await);
    }
    assert_whole(&seen, &house, &keys).await;
    house.close().await;
}

async fn refresh_some(house: &House, keys: &[GrantKey], round: usize) {
    for turn in 0..REFRESHES {
        // One that is in doubt after the kill before may fail.
        let _ = house.client.refresh(&keys[(round + turn) % keys.len()]).await;
    }
}

async fn assert_whole(seen: &[Event], house: &House, keys: &[GrantKey]) {
    let places: Vec<u64> = seen.iter().map(|event| event.sequence).collect();
    assert_eq!(places, (1..=seen.len() as u64).collect::<Vec<_>>(), "no gap, and none twice");
    let mut generations: BTreeMap<&str, u64> = BTreeMap::new();
    for event in seen.iter().filter(|event| event.r#type() != EventType::GrantNeedsConsent) {
        let before = generations.insert(&event.grant_id, event.generation).unwrap_or_default();
        assert_eq!(event.generation, before + 1, "{event:?}");
    }
    for key in keys {
        let grant = house.client.grant(key).await.unwrap();
        assert_eq!(generations[grant.grant_id.as_str()], grant.generation, "what was adopted was told");
    }
    assert!(seen.len() > KILLS, "there was something to lose");
}
