//! Kills of the broker and of the consumer at random moments, apart and together, while grants are refreshed: no event is
//! missing, none is told twice to who resumes, none is out of order.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use broker_e2e::{Client, Dice, House, LONGEST_WAIT, Provider};
use broker_proto::v1::{Event, EventType, GrantKey, GrantState, WatchEventsRequest, WatchEventsResponse};
use provider_sim::Clock;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::Endpoint;

use super::is_of;
use crate::BINARY;

const ROUNDS: usize = 21;
const USERS: usize = 8;

/// The next kill comes within so long after a refresh.
const SOON: Duration = Duration::from_millis(150);

/// Between two calls of a broker that is not there.
const PAUSE: Duration = Duration::from_millis(20);

/// Who is killed, one round after the other.
const VICTIMS: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_kill_makes_a_gap_or_changes_the_order() {
    let seed = Clock::system().micros();
    eprintln!("seed {seed}");
    let mut dice = Dice::new(seed);
    let mut house = House::plan()
        .child(BINARY)
        .rotation("connect_timeout", "1s")
        .rotation("provider_timeout", "2s")
        .rotation("lease_ttl", "4s")
        .rotation("orphan_wait", "4s")
        .rotation("suspect_confirm_after", "1s")
        .rotation("tick", "100ms")
        .open()
        .await;
    house.stay();
    let mut keys = Vec::new();
    for user in 0..USERS {
        keys.push(house.consent(Provider::Evercam, &format!("user-{user}")).await);
    }
    let mut consumer = Consumer::new(house.grpc());
    let (mut load, mut met, mut died_at) = (load(&house, &keys), 0, BTreeSet::new());
    for round in 0..ROUNDS {
        until_refreshed(&house).await;
        let (kills_broker, kills_consumer) = VICTIMS[round % VICTIMS.len()];
        tokio::time::sleep(dice.pause(SOON)).await;
        if kills_consumer {
            died_at.insert(consumer.kill().await);
        }
        if kills_broker {
            house.kill().await;
            met += usize::from(house.open_attempts().await > 0);
            house.restart().await;
            consent_where_lost(&house, &keys).await;
        }
        if kills_consumer {
            consumer.start();
        }
    }
    load.shutdown().await;
    assert!(met > 0, "none of the kills met a refresh: nothing was at stake");
    assert!(died_at.len() > VICTIMS.len(), "the consumer died at a few places only: {died_at:?}");

    house.until_settled().await;
    let before = generations(&house, &keys).await;
    // Whatever came before this one has its place before it.
    let last = house.consent(Provider::EagleEye, "last").await;
    let seen = consumer.until(|event| is_of(event, &last)).await;
    let after = generations(&house, &keys).await;
    assert_whole(&seen, &before, &after);
    assert_eq!(from_the_beginning(&house, seen.len()).await, seen, "whoever reads it all reads the same");
    eprintln!("{met} kills met a refresh; {} events", seen.len());
    house.close().await;
}

/// Each grant is refreshed all the time. A call that a kill meets fails, as does one for a grant that is in doubt.
fn load(house: &House, keys: &[GrantKey]) -> JoinSet<()> {
    let mut load = JoinSet::new();
    let client = patient(house.grpc());
    for key in keys {
        let (client, key) = (client.clone(), key.clone());
        load.spawn(async move {
            loop {
                if client.refresh(&key).await.is_err() {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        });
    }
    load
}

/// A client that connects when it is used, and again when its broker was away.
fn patient(address: SocketAddr) -> Client {
    Client::over(Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy())
}

/// Waits until refreshes go on.
async fn until_refreshed(house: &House) {
    let journal = house.simulator(Provider::Evercam).journal();
    let before = journal.refreshes();
    journal.wait_for(|journal| journal.refreshes() > before, LONGEST_WAIT).await.unwrap();
}

/// An answer that was on its way to a killed broker is lost, and with it the grant.
async fn consent_where_lost(house: &House, keys: &[GrantKey]) {
    for key in keys {
        if house.client.grant(key).await.unwrap().state() == GrantState::NeedsConsent {
            house.consent(Provider::Evercam, &key.user_id).await;
        }
    }
}

/// The generation of each grant, by its id.
async fn generations(house: &House, keys: &[GrantKey]) -> BTreeMap<String, u64> {
    let mut generations = BTreeMap::new();
    for key in keys {
        let grant = house.client.grant(key).await.unwrap();
        generations.insert(grant.grant_id, grant.generation);
    }
    generations
}

/// What a consumer keeps, whatever becomes of it.
#[derive(Default, Clone)]
struct Book {
    events: Vec<Event>,
    next: u64,
}

impl Book {
    /// Event and place are kept together.
    fn keep(&mut self, message: WatchEventsResponse) {
        self.events.extend(message.event);
        self.next = message.next_sequence;
    }
}

/// Reads events into its book, whichever broker serves them.
struct Consumer {
    broker: Client,
    book: Arc<watch::Sender<Book>>,
    reading: JoinSet<()>,
}

impl Consumer {
    fn new(broker: SocketAddr) -> Self {
        let book = Book { next: 1, ..Book::default() };
        let mut consumer = Self {
            broker: patient(broker),
            book: Arc::new(watch::Sender::new(book)),
            reading: JoinSet::new(),
        };
        consumer.start();
        consumer
    }

    /// Goes on where the book ends.
    fn start(&mut self) {
        let (broker, book) = (self.broker.clone(), Arc::clone(&self.book));
        self.reading.spawn(async move {
            loop {
                let from_sequence = book.borrow().next;
                read(&broker, from_sequence, &book).await;
                tokio::time::sleep(PAUSE).await;
            }
        });
    }

    /// No last words. Answers how many events it had read.
    async fn kill(&mut self) -> usize {
        self.reading.shutdown().await;
        self.book.borrow().events.len()
    }

    /// Everything that was read, once it ends with such an event.
    async fn until(&self, ends: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut book = self.book.subscribe();
        let there = book.wait_for(|book| book.events.last().is_some_and(&ends));
        let there = tokio::time::timeout(LONGEST_WAIT, there).await;
        there.expect("the last event is never told").unwrap().events.clone()
    }
}

/// Until the stream ends, with its broker or without.
async fn read(broker: &Client, from_sequence: u64, book: &watch::Sender<Book>) {
    let request = WatchEventsRequest { from_sequence, tenant_id: "*".to_owned(), ..Default::default() };
    let Ok(mut stream) = broker.events(request).await else { return };
    while let Ok(Some(message)) = stream.message().await {
        book.send_modify(|book| book.keep(message));
    }
}

async fn from_the_beginning(house: &House, count: usize) -> Vec<Event> {
    let mut reader = super::Reader::from(&house.client, 1).await;
    let mut events = Vec::new();
    while events.len() < count {
        events.push(reader.event().await);
    }
    events
}

/// `before` and `after`: the generations at a moment before the last event, and at one after it.
fn assert_whole(seen: &[Event], before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) {
    let places: Vec<u64> = seen.iter().map(|event| event.sequence).collect();
    assert_eq!(places, (1..=seen.len() as u64).collect::<Vec<_>>(), "no gap, and none twice");
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    for event in seen.iter().filter(|event| !event.grant_id.is_empty()) {
        let adopted = event.r#type() != EventType::GrantNeedsConsent;
        let due = told.get(event.grant_id.as_str()).copied().unwrap_or_default() + u64::from(adopted);
        assert_eq!(event.generation, due, "{event:?}");
        told.insert(&event.grant_id, event.generation);
    }
    for (grant, before) in before {
        let (told, after) = (told[grant.as_str()], after[grant]);
        assert!((*before..=after).contains(&told), "{grant}: {before}..={after} adopted, {told} told");
    }
    assert!(seen.len() > USERS + ROUNDS, "there was something to lose");
}
