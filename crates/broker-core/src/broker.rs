//! The broker: its collaborators, and nothing else. The use cases stand in files of their own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker_crypto::{Entropy, KeyEncryption};
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use crate::clock::within;
use crate::consent::polling::AT_ONCE;
use crate::fingerprints::Fingerprints;
use crate::fleet::{FleetStanding, Rejected};
use crate::keys::{KeyNews, TenantKeyCache, WorkedOn};
use crate::mint;
use crate::ports::{
    ConsentStore, DeletionStore, Escrow, EventStore, FleetStore, GrantStore, KeyStore, LeaseManager,
    MachineCredentialStore, ProviderBudget, ProviderClient, RevocationStore, SchedulerStore, SealedStore,
    TenantStore, TraceContext, Wakeups, WebhookSender, WebhookStore,
};
use crate::revocation::Revoking;
use crate::rotation::{AttemptCount, EscrowCounts, Flights, Patience, PresentingSet, Tally, Unsettled};
use crate::scheduler::{GateRules, Gates, Noted, Pauses, Planner, Successes};
use crate::vend::{GrantCache, NewsDesk, Profiles, Rejections, unknown_provider};
use crate::{
    AuditKeys, BrokerError, Clock, IncarnationId, InstallationId, Measures, ProviderName, ProviderProfile,
    Timing,
};

/// What a broker is made of.
pub struct Collaborators {
    /// Grants and attempts.
    pub grants: Arc<dyn GrantStore>,
    /// Authorization requests.
    pub consents: Arc<dyn ConsentStore>,
    /// Tenants, keys and registrations.
    pub tenants: Arc<dyn TenantStore>,
    /// The fleet of replicas.
    pub fleet: Arc<dyn FleetStore>,
    /// The installation the store must be, if the configuration names one (rule 16).
    pub installation: Option<InstallationId>,
    /// Leases.
    pub leases: Arc<dyn LeaseManager>,
    /// Carries news to and from other replicas.
    pub wakeups: Arc<dyn Wakeups>,
    /// How often providers may be called.
    pub budget: Arc<dyn ProviderBudget>,
    /// The local journal.
    pub escrow: Arc<dyn Escrow>,
    /// The configured authorization servers.
    pub providers: HashMap<ProviderName, Arc<dyn ProviderClient>>,
    /// Whoever holds the key encryption keys.
    pub key_encryption: Arc<dyn KeyEncryption>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// The times of the protocol.
    pub timing: Timing,
    /// How many grants to keep ready for vending, sealed, in memory.
    pub cached_grants: usize,
    /// Pauses, and the state of refreshing.
    pub scheduler: Arc<dyn SchedulerStore>,
    /// Revocations to be carried out.
    pub revocations: Arc<dyn RevocationStore>,
    /// Tenants that are being deleted.
    pub deletions: Arc<dyn DeletionStore>,
    /// Keys as the store knows them, and their rotations.
    pub key_store: Arc<dyn KeyStore>,
    /// Everything that is sealed.
    pub sealed: Arc<dyn SealedStore>,
    /// Credentials of machines.
    pub machine_credentials: Arc<dyn MachineCredentialStore>,
    /// The log of events.
    pub events: Arc<dyn EventStore>,
    /// Where events are delivered to.
    pub webhooks: Arc<dyn WebhookStore>,
    /// Delivers them.
    pub webhook_sender: Arc<dyn WebhookSender>,
    /// Ties what happens here to what happens elsewhere.
    pub traces: Arc<dyn TraceContext>,
}

/// Keeps users' grants and vends fresh access tokens.
pub struct Broker {
    pub(crate) grants: Arc<dyn GrantStore>,
    pub(crate) consents: Arc<dyn ConsentStore>,
    pub(crate) tenants: Arc<dyn TenantStore>,
    pub(crate) leases: Arc<dyn LeaseManager>,
    pub(crate) wakeups: Arc<dyn Wakeups>,
    pub(crate) budget: Arc<dyn ProviderBudget>,
    pub(crate) escrow: Arc<dyn Escrow>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) timing: Timing,
    pub(crate) keys: Arc<TenantKeyCache>,
    pub(crate) cache: Arc<GrantCache>,
    pub(crate) flights: Flights,
    /// What is heard of other replicas' rotations, and who waits for it.
    pub(crate) news: Arc<NewsDesk>,
    /// Which providers are called at all.
    pub(crate) gates: Gates,
    /// What the scheduler starts next.
    pub(crate) planner: Mutex<Planner>,
    /// Which grants were asked for.
    pub(crate) noted: Arc<Noted>,
    /// Which tokens providers were said to reject.
    pub(crate) rejections: Arc<Rejections>,
    pub(crate) presenting: PresentingSet,
    pub(crate) patience: Patience,
    pub(crate) unsettled: Unsettled,
    /// How attempts ended.
    pub(crate) tally: Tally,
    pub(crate) measures: Measures,
    pub(crate) escrow_counts: EscrowCounts,
    pub(crate) fleet_store: Arc<dyn FleetStore>,
    pub(crate) fleet: FleetStanding,
    /// Rotations run here, out of reach of a caller that hangs up.
    pub(crate) tasks: TaskTracker,
    /// This run of this process.
    pub(crate) incarnation: IncarnationId,
    providers: HashMap<ProviderName, Arc<dyn ProviderClient>>,
    /// Their profiles.
    pub(crate) profiles: Arc<Profiles>,
    pub(crate) scheduler: Arc<dyn SchedulerStore>,
    /// What operators have paused.
    pub(crate) pauses: Pauses,
    /// When providers last answered with tokens.
    pub(crate) successes: Successes,
    /// How many registrations are refused.
    pub(crate) rejected: Rejected,
    pub(crate) revocations: Arc<dyn RevocationStore>,
    /// Wakes the revoking of this replica.
    pub(crate) to_revoke: Notify,
    pub(crate) revoking: Revoking,
    pub(crate) deletions: Arc<dyn DeletionStore>,
    pub(crate) key_store: Arc<dyn KeyStore>,
    pub(crate) sealed: Arc<dyn SealedStore>,
    pub(crate) machine_credentials: Arc<dyn MachineCredentialStore>,
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) webhooks: Arc<dyn WebhookStore>,
    pub(crate) webhook_sender: Arc<dyn WebhookSender>,
    pub(crate) traces: Arc<dyn TraceContext>,
    pub(crate) key_news: KeyNews,
    pub(crate) worked_on: WorkedOn,
    /// Codes of upstream accounts and refresh tokens.
    pub(crate) fingerprints: Fingerprints,
    /// Room for polls of device authorizations.
    pub(crate) polls: Arc<Semaphore>,
    /// Mints of machine credentials under way.
    pub(crate) mints: Flights,
    /// Room for mints that nobody waits for.
    pub(crate) minters: Arc<Semaphore>,
}

impl Broker {
    /// Puts the collaborators together. Call [`Broker::recover`] before serving.
    pub fn new(with: Collaborators) -> Arc<Self> {
        let fingerprints = Fingerprints::new(AuditKeys {
            store: with.key_store.clone(),
            encryption: with.key_encryption.clone(),
            entropy: with.entropy.clone(),
            clock: with.clock.clone(),
        });
        Arc::new(Self {
            incarnation: IncarnationId::generate(with.clock.now(), with.entropy.as_ref()),
            keys: Arc::new(TenantKeyCache::new(
                with.key_encryption,
                with.tenants.clone(),
                with.key_store.clone(),
                with.clock.clone(),
            )),
            cache: Arc::new(GrantCache::new(with.cached_grants)),
            flights: Flights::new(with.traces.clone()),
            news: Arc::default(),
            gates: Gates::new(gate_rules(&with.timing)),
            planner: Mutex::new(Planner::new(with.timing.max_in_flight, with.timing.tick)),
            noted: Arc::new(Noted::new(with.timing.warm_for)),
            rejections: Arc::default(),
            presenting: PresentingSet::default(),
            patience: Patience::default(),
            unsettled: Unsettled::default(),
            tally: Tally::default(),
            measures: Measures::of(with.providers.keys()),
            escrow_counts: EscrowCounts::default(),
            fleet_store: with.fleet,
            fleet: FleetStanding::new(with.installation),
            tasks: TaskTracker::new(),
            grants: with.grants,
            consents: with.consents,
            tenants: with.tenants,
            leases: with.leases,
            wakeups: with.wakeups,
            budget: with.budget,
            escrow: with.escrow,
            clock: with.clock,
            entropy: with.entropy,
            timing: with.timing,
            profiles: Arc::new(profiles(&with.providers)),
            providers: with.providers,
            scheduler: with.scheduler,
            pauses: Pauses::default(),
            successes: Successes::default(),
            rejected: Rejected::default(),
            revocations: with.revocations,
            to_revoke: Notify::new(),
            revoking: Revoking::default(),
            deletions: with.deletions,
            key_store: with.key_store,
            sealed: with.sealed,
            machine_credentials: with.machine_credentials,
            events: with.events,
            webhooks: with.webhooks,
            webhook_sender: with.webhook_sender,
            key_news: KeyNews::default(),
            worked_on: WorkedOn::default(),
            fingerprints,
            polls: Arc::new(Semaphore::new(AT_ONCE)),
            mints: Flights::new(with.traces.clone()),
            minters: Arc::new(Semaphore::new(mint::AT_ONCE)),
            traces: with.traces,
        })
    }

    /// How many rotations and code exchanges are under way.
    pub fn attempts_under_way(&self) -> usize {
        self.tasks.len()
    }

    /// How attempts ended since this process began.
    pub fn attempts_ended(&self) -> Vec<AttemptCount> {
        self.tally.read()
    }

    /// What it counts of its own work.
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// Waits for every rotation under way. Call it after the last request was answered.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Whether a provider of that name is configured.
    pub fn knows_provider(&self, name: &ProviderName) -> bool {
        self.providers.contains_key(name)
    }

    /// Fails with `InvalidRequest` where no provider of that name is configured.
    pub fn check_provider(&self, name: &ProviderName) -> Result<(), BrokerError> {
        self.provider(name).map(drop)
    }

    /// How the configured providers treat tokens and grants, by name.
    pub(crate) fn provider_profiles(&self) -> BTreeMap<ProviderName, ProviderProfile> {
        self.profiles.as_ref().clone()
    }

    pub(crate) fn provider(&self, name: &ProviderName) -> Result<&Arc<dyn ProviderClient>, BrokerError> {
        self.providers.get(name).ok_or_else(|| unknown_provider(self.providers.keys()))
    }

    /// The result of `work` if it comes while the caller waits, `default_wait` where it names no time.
    pub(crate) async fn within<T>(&self, wait: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
        within(self.clock.as_ref(), wait.unwrap_or(self.timing.default_wait), work).await
    }

    /// A number in [0, 1), for spreading things in time.
    pub(crate) fn draw(&self) -> f64 {
        let mut bytes = [0u8; 4];
        self.entropy.fill(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

fn profiles(providers: &HashMap<ProviderName, Arc<dyn ProviderClient>>) -> Profiles {
    providers.iter().map(|(name, client)| (name.clone(), client.profile().clone())).collect()
}

/// A provider rests as a grant does after a failure; a trial is over when its claim is.
fn gate_rules(timing: &Timing) -> GateRules {
    GateRules { pause: timing.retry_base, longest_pause: timing.retry_cap, trial: timing.lease_ttl }
}
