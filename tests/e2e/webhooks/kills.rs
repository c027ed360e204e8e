//! Kills of the broker in the middle of deliveries, and receivers that now and then refuse: nothing is missing, nothing
//! overtakes anything, and everything is signed.

use std::collections::{BTreeMap, BTreeSet};

use broker_e2e::{Dice, House, Provider};
use broker_proto::v1::{GrantKey, WatchEventsRequest};
use provider_sim::Clock;

use super::receiver::{Message, Receiver};
use super::{ALLOWED, hook};
use crate::BINARY;

const KILLS: usize = 8;
const USERS: usize = 3;
const REFRESHES: usize = 3;

#[tokio::test]
async fn no_kill_loses_a_delivery_or_changes_the_order() {
    let seed = Clock::system().micros();
    eprintln!("seed {seed}");
    let receiver = Receiver::open().await;
    receiver.refuses_now_and_then(Dice::new(seed));
    let mut house = House::plan()
        .child(BINARY)
        // A webhook that a dead replica holds is taken over soon.
        .sections(&format!("{ALLOWED}timeout = \"1s\"\n"))
        .rotation("connect_timeout", "1s")
        .rotation("provider_timeout", "2s")
        .rotation("lease_ttl", "4s")
        .rotation("orphan_wait", "4s")
        .rotation("tick", "50ms")
        .open()
        .await;
    let (webhook, secret) = hook(&house, &receiver.url).await;
    let mut keys = Vec::new();
    for user in 0..USERS {
        keys.push(house.consent(Provider::Evercam, &format!("user-{user}")).await);
    }
    for kill in 0..KILLS {
        refresh_some(&house, &keys, kill).await;
        // Some are killed before anything was sent, some after.
        if kill % 2 == 0 {
            let before = receiver.messages().len();
            receiver.until(|messages| messages.len() > before || messages.len() > kill * REFRESHES).await;
        }
        house.kill().await;
        house.restart().await;
    }
    receiver.refuses_no_more();
    house.consent(Provider::EagleEye, "last").await;
    let newest = newest_event(&house).await;
    let messages = receiver.accepted_through(newest).await;
    assert!(messages.iter().any(Message::is_refused), "it never refused");
    assert_whole(&messages, &secret, webhook.delivered_through_sequence + 1..=newest);
    house.close().await;
}

/// Who asks for what is new learns at once where that begins.
async fn newest_event(house: &House) -> u64 {
    let request = WatchEventsRequest { tenant_id: "*".to_owned(), only_new: true, ..Default::default() };
    let mut stream = house.client.events(request).await.unwrap();
    stream.message().await.unwrap().unwrap().next_sequence - 1
}

async fn refresh_some(house: &House, keys: &[GrantKey], round: usize) {
    for turn in 0..REFRESHES {
        // One that is in doubt after the kill before may fail.
        let _ = house.client.refresh(&keys[(round + turn) % keys.len()]).await;
    }
}

/// What came twice is the same message; without the second time, places have no gap and are in their order. So are those of
/// what was accepted.
fn assert_whole(messages: &[Message], secret: &str, places: std::ops::RangeInclusive<u64>) {
    let mut bodies: BTreeMap<String, &[u8]> = BTreeMap::new();
    let mut first_times = Vec::new();
    for message in messages {
        assert!(message.is_signed_with(secret), "{message:?}");
        match bodies.insert(message.id().to_owned(), &message.body) {
            None => first_times.push(message.sequence()),
            Some(before) => assert_eq!(before, message.body, "{}", message.id()),
        }
    }
    assert_eq!(first_times, places.collect::<Vec<_>>());
    let mut accepted_once = BTreeSet::new();
    let accepted = messages.iter().filter(|message| !message.is_refused()).map(Message::sequence);
    let accepted: Vec<_> = accepted.filter(|sequence| accepted_once.insert(*sequence)).collect();
    assert_eq!(accepted, first_times, "none is passed over because it was refused");
}
