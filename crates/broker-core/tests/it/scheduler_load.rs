//! The scheduler's work is proportional to what is due, and nobody's backlog hides what others have due.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::{DueGrant, InProcessBudget, InProcessLeases, NoTraces};
use broker_core::testing::ManualClock;
use broker_core::{
    AccountLabel, Broker, Collaborators, Gate, GrantKey, ProviderName, TenantId, Timing, UserId,
};
use broker_crypto::{KekId, KeyEncryptionKey, KeyRing, OsEntropy, SeededEntropy};
use broker_sqlite::{SqliteLocation, SqliteStore};
use tokio_util::sync::CancellationToken;

use crate::fakes::{FakeEscrow, FakeProvider, Log, START};
use crate::planned_store::{PlannedStore, due};
use crate::receiver::FakeReceiver;
use crate::world::profile;

const HOUR: Duration = Duration::from_secs(3600);

struct Load {
    broker: Arc<Broker>,
    store: Arc<PlannedStore>,
    clock: Arc<ManualClock>,
}

impl Load {
    async fn of(planned: Vec<DueGrant>) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let entropy = SeededEntropy::new(5);
        let material = KeyEncryptionKey::generate_material(&KekId::new("k").unwrap(), &entropy).to_string();
        let sqlite = Arc::new(SqliteStore::open(SqliteLocation::Memory).await.unwrap());
        let store = Arc::new(PlannedStore::new(sqlite.clone(), planned));
        let provider = Arc::new(FakeProvider::new(profile(), Log::default(), clock.clone()));
        let providers = ["p", "q"].map(|name| (ProviderName::new(name).unwrap(), provider.clone() as _));
        let broker = Broker::new(Collaborators {
            grants: store.clone(),
            consents: sqlite.clone(),
            tenants: sqlite.clone(),
            fleet: sqlite.clone(),
            scheduler: sqlite.clone(),
            revocations: sqlite.clone(),
            deletions: sqlite.clone(),
            installation: None,
            wakeups: Arc::new(broker_core::ports::InProcessWakeups::default()),
            leases: Arc::new(InProcessLeases::new(clock.clone())),
            budget: Arc::new(InProcessBudget::new(clock.clone(), HashMap::new())),
            escrow: Arc::new(FakeEscrow::new(Log::default())),
            providers: HashMap::from(providers),
            key_encryption: Arc::new(KeyRing::parse(&material, Arc::new(OsEntropy)).unwrap()),
            clock: clock.clone(),
            entropy: Arc::new(entropy),
            timing: Timing::default(),
            cached_grants: 100,
            key_store: sqlite.clone(),
            sealed: sqlite.clone(),
            machine_credentials: sqlite.clone(),
            events: sqlite.clone(),
            webhooks: sqlite,
            webhook_sender: Arc::new(FakeReceiver::default()),
            traces: Arc::new(NoTraces),
        });
        Self { broker, store, clock }
    }

    /// Runs the scheduler until what it was asked for is so, moving the clock by a tenth of a tick at a time.
    async fn until(&self, what: impl Fn(&Self) -> bool) {
        let stop = CancellationToken::new();
        let scheduler = tokio::spawn(self.broker.clone().run_scheduler(stop.clone()));
        tokio::time::timeout(Duration::from_secs(20), async {
            while !what(self) {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                self.clock.advance(Duration::from_millis(100));
            }
        })
        .await
        .expect("the scheduler does it");
        stop.cancel();
        scheduler.await.unwrap();
    }

    fn postponed(&self) -> usize {
        self.store.postponed.lock().unwrap().len()
    }
}

fn key(tenant: &str, provider: &str, user: usize) -> GrantKey {
    GrantKey {
        tenant: TenantId::new(tenant).unwrap(),
        provider: ProviderName::new(provider).unwrap(),
        user: UserId::new(user.to_string()).unwrap(),
        account: AccountLabel::default_label(),
    }
}

#[tokio::test]
async fn of_a_hundred_thousand_grants_only_the_ten_due_are_read() {
    let due_at = |grant| if grant < 10 { START } else { START + HOUR };
    let load = Load::of((0..100_000).map(|g| due(key("acme", "p", g), due_at(g), HOUR)).collect()).await;
    load.until(|load| load.postponed() == 10).await;
    let read = load.store.read.lock().unwrap().clone();
    assert_eq!(read[0], 10);
    assert!(read.iter().all(|rows| *rows <= 10), "{read:?}");
    let status = load.broker.scheduler_status();
    assert_eq!(status.providers.len(), 1);
    assert_eq!((status.providers[0].gate, status.providers[0].in_flight_cap), (Gate::Open, 4));
}

#[tokio::test]
async fn a_full_page_of_one_tenants_grants_does_not_hide_anothers() {
    let mut planned: Vec<_> = (0..5000).map(|g| due(key("big", "p", g), START - HOUR, HOUR)).collect();
    planned.push(due(key("small", "p", 0), START, HOUR));
    planned.push(due(key("small", "q", 0), START, HOUR));
    let load = Load::of(planned).await;
    let small = TenantId::new("small").unwrap();
    let places = |load: &Load| -> Vec<usize> {
        let postponed = load.store.postponed.lock().unwrap();
        postponed.iter().enumerate().filter(|(_, (key, _))| key.tenant == small).map(|(at, _)| at).collect()
    };
    load.until(|load| places(load).len() == 2).await;
    assert!(places(&load).iter().all(|place| *place < 10), "{:?} of all that ended", places(&load));
}

#[tokio::test]
async fn a_grant_nobody_asks_for_rests_until_its_keep_alive_without_a_claim() {
    let asked_long_ago = Duration::from_secs(26 * 3600);
    let load = Load::of(vec![due(key("acme", "p", 0), START, asked_long_ago)]).await;
    load.until(|load| load.postponed() == 1).await;
    let (_, until) = load.store.postponed.lock().unwrap()[0].clone();
    assert!(until > START + Duration::from_secs(5 * 86_400), "{until}");
    assert_eq!(load.broker.scheduler_status().providers, []);
}

#[tokio::test]
async fn what_is_read_ahead_is_started_when_it_is_due() {
    let due_at = START + Duration::from_millis(1500);
    let load = Load::of(vec![due(key("acme", "p", 0), due_at, HOUR)]).await;
    load.until(|load| load.postponed() == 1).await;
    assert_eq!(load.store.read.lock().unwrap()[0], 1, "it was read before it was due");
    let rested = Timing::default().lease_ttl;
    let began = load.store.postponed.lock().unwrap()[0].1 - rested;
    assert!(began >= due_at && began < due_at + Duration::from_millis(400), "started at {began}");
}
