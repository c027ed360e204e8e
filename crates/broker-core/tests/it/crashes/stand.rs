//! What outlives a process: the store, the journals, the leases, the provider; and processes on them.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::{
    ConsentStore, DeletionStore, EventStore, FleetStore, GrantStore, InProcessBudget, InProcessLeases,
    InProcessWakeups, KeyStore, MachineCredentialStore, NoTraces, RevocationStore, SchedulerStore,
    SealedStore, TenantStore, WebhookStore,
};
use broker_core::testing::ManualClock;
use broker_core::{Broker, Clock, Collaborators, Timestamp, Timing};
use broker_crypto::{Entropy, KekId, KeyEncryptionKey, KeyRing, OsEntropy, SeededEntropy};
use broker_escrow::{FileEscrow, Limits};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::JOURNAL;
use super::ledger::Ledger;
use super::modes::Mode;
use super::process::{Process, Replica};
use super::server::Server;
use super::side_doors::{EscrowDoor, LeaseDoor};
use super::stops::Stops;
use super::store_door::StoreDoor;
use crate::fakes::START;
use crate::receiver::FakeReceiver;
use crate::world::provider;

/// A kind of store that outlives processes.
pub(crate) trait Shelf: Sized {
    /// An empty one.
    async fn fresh() -> Self;

    /// Opens it, as a process does at its start.
    async fn open(&self) -> Stores;

    /// Opens it for one more replica, which runs beside another one.
    async fn open_beside(&self, other: &Stores) -> Stores;

    /// Keeps a copy of what is in it now. No process has it open.
    async fn back_up(&mut self);

    /// Puts the copy in its place. No process has it open.
    async fn put_back(&mut self);

    /// Keeps a copy of what is in it now, as a standby does. Processes have it open, and may be cut off.
    async fn replicate(&mut self);

    /// Puts the copy in its place, under processes that have it open.
    async fn fail_over(&mut self);

    /// Does something to it beside all processes.
    fn run<T>(work: impl Future<Output = T>) -> T {
        runtime().block_on(work)
    }
}

/// A store by its ports.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) grants: Arc<dyn GrantStore>,
    pub(crate) consents: Arc<dyn ConsentStore>,
    pub(crate) tenants: Arc<dyn TenantStore>,
    pub(crate) fleet: Arc<dyn FleetStore>,
    pub(crate) scheduler: Arc<dyn SchedulerStore>,
    pub(crate) revocations: Arc<dyn RevocationStore>,
    pub(crate) deletions: Arc<dyn DeletionStore>,
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) sealed: Arc<dyn SealedStore>,
    pub(crate) machine_credentials: Arc<dyn MachineCredentialStore>,
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) webhooks: Arc<dyn WebhookStore>,
}

impl Stores {
    pub(crate) fn of<T>(store: T) -> Self
    where
        T: GrantStore
            + ConsentStore
            + TenantStore
            + FleetStore
            + SchedulerStore
            + RevocationStore
            + DeletionStore
            + KeyStore
            + SealedStore
            + MachineCredentialStore
            + EventStore
            + WebhookStore
            + 'static,
    {
        let store = Arc::new(store);
        Self {
            grants: store.clone(),
            consents: store.clone(),
            tenants: store.clone(),
            fleet: store.clone(),
            scheduler: store.clone(),
            revocations: store.clone(),
            deletions: store.clone(),
            keys: store.clone(),
            sealed: store.clone(),
            machine_credentials: store.clone(),
            events: store.clone(),
            webhooks: store,
        }
    }
}

pub(crate) struct Stand<S> {
    pub(crate) shelf: S,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) server: Arc<Server>,
    pub(crate) stops: Arc<Stops>,
    pub(crate) ledger: Arc<Ledger>,
    leases: Arc<InProcessLeases>,
    journals: TempDir,
    key_material: String,
    runs: u64,
}

impl<S: Shelf> Stand<S> {
    pub(crate) fn new(mode: Mode) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let stops = Arc::new(Stops::new());
        let material =
            KeyEncryptionKey::generate_material(&KekId::new("k").unwrap(), &SeededEntropy::new(99));
        Self {
            shelf: S::run(S::fresh()),
            server: Arc::new(Server::new(mode, clock.clone(), stops.clone())),
            ledger: Arc::new(Ledger::new(mode)),
            leases: Arc::new(InProcessLeases::new(clock.clone())),
            journals: TempDir::new().unwrap(),
            key_material: material.to_string(),
            runs: 0,
            stops,
            clock,
        }
    }

    /// A process on that journal. Nothing has run yet.
    pub(crate) fn start(&mut self, journal: &str) -> Process {
        let runtime = Rc::new(runtime());
        let stores = runtime.block_on(self.shelf.open());
        self.process(runtime, stores, journal)
    }

    /// Another replica, on a journal of its own, which has joined.
    pub(crate) fn start_beside(&mut self, other: &Process, journal: &str) -> Process {
        let runtime = other.runtime.clone();
        let stores = runtime.block_on(self.shelf.open_beside(&other.stores));
        let process = self.process(runtime, stores, journal);
        process.run(process.replica.come_up());
        process
    }

    /// The first process, where ada has consented.
    pub(crate) fn consented(&mut self) -> Process {
        let process = self.start(JOURNAL);
        process.run(async {
            process.replica.come_up().await;
            process.replica.consent().await;
        });
        process
    }

    fn process(&mut self, runtime: Rc<Runtime>, stores: Stores, journal: &str) -> Process {
        self.runs += 1;
        let (world, clock) = (self.clock.clone(), Arc::new(ManualClock::new(self.clock.now())));
        let broker = runtime.block_on(async { self.broker(&stores, journal, clock.clone()) });
        Process { replica: Replica::new(broker, self.stops.clone()), stores, clock, world, runtime }
    }

    /// Moves the clock forward to a time.
    pub(crate) fn pass_until(&self, time: Timestamp) {
        self.clock.advance(time.since(self.clock.now()));
    }

    fn broker(&self, stores: &Stores, journal: &str, clock: Arc<ManualClock>) -> Arc<Broker> {
        let entropy = Arc::new(LatestRetries(SeededEntropy::new(self.runs)));
        let grants = StoreDoor {
            inner: stores.grants.clone(),
            stops: self.stops.clone(),
            ledger: self.ledger.clone(),
        };
        let leases = LeaseDoor { inner: self.leases.clone(), stops: self.stops.clone() };
        Broker::new(Collaborators {
            grants: Arc::new(grants),
            consents: stores.consents.clone(),
            tenants: stores.tenants.clone(),
            fleet: stores.fleet.clone(),
            installation: None,
            leases: Arc::new(leases),
            wakeups: Arc::new(InProcessWakeups::default()),
            budget: Arc::new(InProcessBudget::new(clock.clone(), HashMap::new())),
            escrow: Arc::new(self.journal(&self.journals.path().join(journal), entropy.as_ref())),
            providers: HashMap::from([(provider(), self.server.clone() as _)]),
            key_encryption: Arc::new(KeyRing::parse(&self.key_material, Arc::new(OsEntropy)).unwrap()),
            clock,
            entropy,
            timing: timing(),
            cached_grants: 100,
            scheduler: stores.scheduler.clone(),
            revocations: stores.revocations.clone(),
            deletions: stores.deletions.clone(),
            key_store: stores.keys.clone(),
            sealed: stores.sealed.clone(),
            machine_credentials: stores.machine_credentials.clone(),
            events: stores.events.clone(),
            webhooks: stores.webhooks.clone(),
            webhook_sender: Arc::new(FakeReceiver::default()),
            traces: Arc::new(NoTraces),
        })
    }

    fn journal(&self, directory: &Path, entropy: &dyn Entropy) -> EscrowDoor {
        EscrowDoor {
            inner: FileEscrow::open(directory, Limits::with_total(8 << 20), entropy).unwrap(),
            stops: self.stops.clone(),
            ledger: self.ledger.clone(),
        }
    }
}

/// Every retry comes as late as it may: what is drawn to spread things in time is four bytes, and here the highest.
struct LatestRetries(SeededEntropy);

impl Entropy for LatestRetries {
    fn fill(&self, bytes: &mut [u8]) {
        match bytes.len() {
            4 => bytes.fill(0xff),
            _ => self.0.fill(bytes),
        }
    }
}

/// Postgres tells its own time, which the manual clock is years away from.
fn timing() -> Timing {
    Timing { max_clock_skew: Duration::from_secs(100 * 365 * 86_400), ..Timing::default() }
}

/// A process of its own: what runs in it ends when it is dropped.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
