//! Both simulators, a broker, and a tenant with a registration at each.

use std::fs;
use std::mem;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker_proto::v1;
use broker_server::Surroundings;
use provider_sim::{EagleEyeConfig, EvercamConfig, Simulator};
use tempfile::TempDir;

use crate::canary::Canaries;
use crate::client::{ask, registration};
use crate::settings::Settings;
use crate::{Answer, BrokerProcess, Client, HandClock, Provider, Recorder, http, logs, store};

/// The tenant of every house.
pub const TENANT: &str = "acme";

/// How to furnish a house.
pub struct Plan {
    evercam: EvercamConfig,
    eagle_eye: EagleEyeConfig,
    rotation: Vec<(&'static str, String)>,
    child: Option<PathBuf>,
    scheduler: bool,
    recorded: bool,
}

/// A running broker with everything around it.
pub struct House {
    /// The clients of the broker.
    pub client: Client,
    /// The clock of all, unless the broker is a child process.
    pub clock: Arc<HandClock>,
    directory: TempDir,
    settings: Settings,
    config: PathBuf,
    simulators: Vec<Option<provider_sim::Running>>,
    recorders: Vec<Recorder>,
    binary: Option<PathBuf>,
    broker: Broker,
    canaries: Mutex<Canaries>,
    log_from: usize,
    closed: bool,
}

enum Broker {
    Here(broker_server::Running),
    Child(BrokerProcess),
    Gone,
}

impl House {
    /// A broker in this process, on the clock of the house. Its scheduler sleeps.
    pub async fn open() -> Self {
        Self::plan().open().await
    }

    /// A house to be furnished in another way.
    pub fn plan() -> Plan {
        Plan {
            evercam: EvercamConfig::demo(),
            eagle_eye: EagleEyeConfig::demo(),
            rotation: Vec::new(),
            child: None,
            scheduler: false,
            recorded: false,
        }
    }

    /// The key of a user's grant.
    pub fn key(&self, provider: Provider, user: &str) -> v1::GrantKey {
        v1::GrantKey {
            tenant_id: TENANT.to_owned(),
            provider: provider.name().to_owned(),
            user_id: user.to_owned(),
            account: String::new(),
        }
    }

    /// The simulator of a provider.
    pub fn simulator(&self, provider: Provider) -> &provider_sim::Running {
        self.simulators[provider as usize].as_ref().expect("the simulator was not shut down")
    }

    /// Shuts a simulator down: nobody listens at its address any more.
    pub async fn shut_down(&mut self, provider: Provider) {
        self.simulators[provider as usize].take().expect("a simulator is shut down once").shutdown().await;
    }

    /// The tap before a provider's token endpoint.
    pub fn recorder(&self, provider: Provider) -> &Recorder {
        &self.recorders[provider as usize]
    }

    /// The configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The directory of database, escrow and log, and of nothing else.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Where the broker serves gRPC.
    pub fn grpc(&self) -> SocketAddr {
        match &self.broker {
            Broker::Here(running) => running.grpc,
            Broker::Child(process) => process.grpc,
            Broker::Gone => panic!("the broker is gone"),
        }
    }

    /// Where the broker serves HTTP.
    pub fn http(&self) -> SocketAddr {
        match &self.broker {
            Broker::Here(running) => running.http,
            Broker::Child(process) => process.http,
            Broker::Gone => panic!("the broker is gone"),
        }
    }

    /// Starts an authorization and lets the person approve it. Answers it with the callback URL.
    pub async fn approve(&self, key: &v1::GrantKey) -> (v1::StartAuthorizationResponse, String) {
        let started = self.client.start(key).await.unwrap();
        let callback = provider_of(key).person().approve(&started.authorization_url).await.unwrap();
        self.remember(|canaries| {
            add_query_value(canaries, &started.authorization_url, "state");
            add_query_value(canaries, &callback, "code");
        });
        (started, callback)
    }

    /// Walks a user through consent.
    pub async fn consent(&self, provider: Provider, user: &str) -> v1::GrantKey {
        let key = self.key(provider, user);
        let (_, callback) = self.approve(&key).await;
        self.client.complete(&key, &callback).await.unwrap();
        key
    }

    /// Asks for a token with the default demands.
    pub async fn vend(&self, key: &v1::GrantKey) -> Answer<v1::GetAccessTokenResponse> {
        self.vend_as(ask(key)).await
    }

    /// Asks for a token.
    pub async fn vend_as(&self, request: v1::GetAccessTokenRequest) -> Answer<v1::GetAccessTokenResponse> {
        let answer = self.client.token(request).await;
        if let Ok(token) = &answer {
            self.remember(|canaries| canaries.add("access_token", &token.access_token));
        }
        answer
    }

    /// What the provider's API answers to this token.
    pub async fn api_status(&self, provider: Provider, token: &v1::GetAccessTokenResponse) -> u16 {
        let address = self.simulator(provider).address();
        http::get(address, provider.api_path(), &token.headers["authorization"]).await.0
    }

    /// Moves the clock past the life of a token that was issued just now.
    pub fn outlive_token(&self, provider: Provider) {
        self.clock.advance(provider.token_life() + Duration::from_secs(1));
    }

    /// Every secret known so far: those that clients saw, those that passed a tap, and the key.
    pub fn canaries(&self) -> Canaries {
        let mut canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for provider in Provider::ALL {
            canaries.add("client_secret", provider.client_secret());
        }
        self.recorders.iter().for_each(|recorder| canaries.extend(recorder.secrets()));
        canaries.extend(self.settings.key_material());
        canaries
    }

    /// Notes further secrets.
    pub fn remember(&self, note: impl FnOnce(&mut Canaries)) {
        note(&mut self.canaries.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// SIGKILL to a broker that is a child process.
    pub async fn kill(&mut self) {
        match mem::replace(&mut self.broker, Broker::Gone) {
            Broker::Child(process) => process.kill().await,
            _ => panic!("no child process to kill"),
        }
    }

    /// Lets the broker stop as it likes to.
    pub async fn stop(&mut self) {
        match mem::replace(&mut self.broker, Broker::Gone) {
            Broker::Here(running) => running.shutdown().await,
            Broker::Child(process) => {
                let status = process.end(rustix::process::Signal::TERM).await;
                assert!(status.success(), "{status}");
            }
            Broker::Gone => {}
        }
    }

    /// Starts a broker again on what the last one left.
    pub async fn restart(&mut self) {
        assert!(matches!(self.broker, Broker::Gone), "two brokers on one store");
        (self.broker, self.client) =
            start(self.binary.as_deref(), &self.config, &self.settings, &self.clock).await;
    }

    /// Ends everything, and checks what must hold after any test.
    pub async fn close(mut self) {
        // Whatever hangs may go on: the broker waits for its attempts.
        self.simulators.iter().flatten().for_each(|simulator| simulator.faults().clear());
        self.stop().await;
        assert_eq!(store::open_attempts(&self.settings.database()).await, 0, "attempts were left open");
        let mut log = logs::captured(self.log_from);
        log.extend(fs::read(self.settings.log()).unwrap_or_default());
        assert!(!log.is_empty(), "a log without a line proves nothing");
        assert_eq!(self.canaries().found_in([("the log", log.as_slice())]), [""; 0], "secrets in the log");
        self.closed = true;
    }
}

impl Drop for House {
    fn drop(&mut self) {
        assert!(self.closed || std::thread::panicking(), "a test ends with `house.close().await`");
    }
}

impl Plan {
    /// The broker is a child process on the machine's clock.
    pub fn child(self, binary: &str) -> Self {
        Self { child: Some(binary.into()), scheduler: true, ..self }
    }

    /// The scheduler looks for due grants.
    pub fn scheduler(self) -> Self {
        Self { scheduler: true, ..self }
    }

    /// Everything between broker and simulators goes through taps.
    pub fn recorded(self) -> Self {
        Self { recorded: true, ..self }
    }

    /// A key of `[rotation]`.
    pub fn rotation(mut self, key: &'static str, value: &str) -> Self {
        self.rotation.push((key, value.to_owned()));
        self
    }

    /// Another Eagle Eye.
    pub fn eagle_eye(self, eagle_eye: EagleEyeConfig) -> Self {
        Self { eagle_eye, ..self }
    }

    /// Another Evercam.
    pub fn evercam(self, evercam: EvercamConfig) -> Self {
        Self { evercam, ..self }
    }

    /// Starts everything, and creates the tenant and its registrations.
    pub async fn open(mut self) -> House {
        if !self.scheduler {
            self.rotation.push(("tick", "3650days".to_owned()));
        }
        let log_from = logs::capture();
        let clock = Arc::new(HandClock::new());
        let time = if self.child.is_some() { provider_sim::Clock::system() } else { clock.of_simulators() };
        let any = "127.0.0.1:0";
        let evercam = Simulator::evercam(self.evercam).with_clock(time.clone()).bind(any).await.unwrap();
        let eagle_eye = Simulator::eagle_eye(self.eagle_eye).with_clock(time).bind(any).await.unwrap();
        let simulators = [evercam, eagle_eye];
        let mut recorders = Vec::new();
        if self.recorded {
            for simulator in &simulators {
                recorders.push(Recorder::start(simulator.address()).await);
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings::new(directory.path(), self.rotation);
        let direct = |provider: Provider| simulators[provider as usize].base_url();
        let tapped = |provider: Provider| {
            recorders.get(provider as usize).map_or_else(|| direct(provider), Recorder::base_url)
        };
        let config = settings.write(direct, tapped);
        let (broker, client) = start(self.child.as_deref(), &config, &settings, &clock).await;
        let house = House {
            client,
            clock,
            directory,
            settings,
            config,
            simulators: simulators.map(Some).into(),
            recorders,
            binary: self.child,
            broker,
            canaries: Mutex::default(),
            log_from,
            closed: false,
        };
        house.move_in().await;
        house
    }
}

impl House {
    async fn move_in(&self) {
        self.client.create_tenant(TENANT).await.unwrap();
        for provider in Provider::ALL {
            self.client.register(registration(TENANT, provider)).await.unwrap();
        }
    }
}

async fn start(
    binary: Option<&Path>,
    config: &Path,
    settings: &Settings,
    clock: &Arc<HandClock>,
) -> (Broker, Client) {
    if let Some(binary) = binary {
        let process = BrokerProcess::serve(binary, config, &settings.log()).await;
        let client = Client::connect(process.grpc).await;
        return (Broker::Child(process), client);
    }
    let config = broker_server::config::load(Some(config)).unwrap();
    let around = Surroundings { clock: clock.clone(), ..Surroundings::of_this_machine() };
    let running = broker_server::start(&config, around).await.unwrap();
    let client = Client::connect(running.grpc).await;
    (Broker::Here(running), client)
}

fn provider_of(key: &v1::GrantKey) -> Provider {
    Provider::ALL.into_iter().find(|provider| provider.name() == key.provider).unwrap()
}

/// A callback that carries no code has none to remember.
fn add_query_value(canaries: &mut Canaries, url: &str, name: &str) {
    let url = url::Url::parse(url).unwrap();
    let value = url.query_pairs().find(|(key, _)| key == name);
    value.into_iter().for_each(|(_, value)| canaries.add(name, value.as_bytes()));
}
