//! Both simulators, a broker, and a tenant with a registration at each.

mod broker;
pub(crate) mod plan;

use std::fs;
use std::mem;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker_proto::v1;
use tempfile::TempDir;

use self::broker::Broker;
pub use self::plan::{Plan, hosted_redirect_uri};
use crate::canary::Canaries;
use crate::client::{ask, registration};
use crate::settings::Settings;
use crate::{Answer, Client, HandClock, LONGEST_WAIT, Provider, Recorder, http, logs, store};

/// How the configuration asks for a port of the system's choice.
const ANY_PORT: &str = "grpc = \"127.0.0.1:0\"";

/// The tenant of every house.
pub const TENANT: &str = "acme";

/// Between two looks at what tells of no change.
const PAUSE: Duration = Duration::from_millis(20);

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

impl House {
    /// A broker in this process, on the clock of the house. Its scheduler sleeps.
    pub async fn open() -> Self {
        Self::plan().open().await
    }

    /// A house to be furnished in another way.
    pub fn plan() -> Plan {
        Plan::default()
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

    /// The file of the key encryption keys.
    pub fn kek(&self) -> PathBuf {
        self.settings.kek()
    }

    /// Where the broker serves gRPC.
    pub fn grpc(&self) -> SocketAddr {
        self.broker.addresses().0
    }

    /// Where the broker serves HTTP.
    pub fn http(&self) -> SocketAddr {
        self.broker.addresses().1
    }

    /// The process id of a broker that is a child process.
    pub fn pid(&self) -> u32 {
        self.broker.pid()
    }

    /// What a broker that is a child process has logged.
    pub fn child_log(&self) -> String {
        fs::read_to_string(self.settings.log()).unwrap_or_default()
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

    /// What was logged in this process since the house was opened, by its broker and by others.
    pub fn log(&self) -> String {
        String::from_utf8(logs::captured(self.log_from)).unwrap()
    }

    /// Memory that a broker that is a child process holds, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.broker.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
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
        mem::replace(&mut self.broker, Broker::Gone).kill().await;
    }

    /// Lets the broker stop as it likes to.
    pub async fn stop(&mut self) {
        mem::replace(&mut self.broker, Broker::Gone).stop().await;
    }

    /// Waits until a broker that was told to end has ended well.
    pub async fn ended(&mut self) {
        mem::replace(&mut self.broker, Broker::Gone).ended().await;
    }

    /// Starts a broker again on what the last one left.
    pub async fn restart(&mut self) {
        assert!(matches!(self.broker, Broker::Gone), "two brokers on one store");
        (self.broker, self.client) =
            Broker::start(self.binary.as_deref(), &self.config, &self.settings.log(), &self.clock).await;
    }

    /// How many attempts are open in the store, whether a broker is there or not.
    pub async fn open_attempts(&self) -> i64 {
        store::open_attempts(&self.settings.database()).await
    }

    /// Waits until no attempt is open: what the provider has answered is in the store then, and the clock may be moved.
    pub async fn until_settled(&self) {
        let settled = async {
            while self.open_attempts().await > 0 {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, settled).await.expect("attempts stay open");
    }

    /// Brokers that are started from now on serve gRPC where this one does.
    pub fn stay(&self) {
        let written = fs::read_to_string(&self.config).unwrap();
        let stays = written.replacen(ANY_PORT, &format!("grpc = \"{}\"", self.grpc()), 1);
        assert_ne!(stays, written, "it stays already");
        fs::write(&self.config, stays).unwrap();
    }

    /// Ends everything, and checks what must hold after any test.
    pub async fn close(mut self) {
        // Whatever hangs may go on: the broker waits for its attempts.
        self.simulators.iter().flatten().for_each(|simulator| simulator.faults().clear());
        self.stop().await;
        assert_eq!(self.open_attempts().await, 0, "attempts were left open");
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

impl House {
    async fn move_in(&self) {
        self.client.create_tenant(TENANT).await.unwrap();
        for provider in Provider::ALL {
            self.client.register(registration(TENANT, provider)).await.unwrap();
        }
    }
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
