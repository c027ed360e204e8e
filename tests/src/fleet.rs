//! Replicas of the broker on a Postgres and a Redis of their own, which tests may hurt.

mod database;
mod plan;
mod replica;
mod settings;
mod site;

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use broker_core::Clock as _;
use broker_proto::v1;
use broker_server::SystemClock;
use futures_util::{StreamExt as _, stream};
use provider_sim::{Endpoint, Fault, Running};
use tempfile::TempDir;
use test_servers::{PrivatePostgres, PrivateRedis};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub use self::database::{Database, Work};
pub use self::plan::Plan;
pub use self::replica::{Home, Replica};
use self::settings::Settings;
pub use self::site::Site;
use crate::house::TENANT;
use crate::{Client, LONGEST_WAIT, ask, http};

/// Between two looks at what tells of no change.
const PAUSE: Duration = Duration::from_millis(20);

/// Users who consent at the same time.
const CONSENTS_AT_ONCE: usize = 8;

/// The life of a token that is to expire soon: the shortest that can be said.
const SHORT_LIFE: Duration = Duration::from_secs(1);

/// Running replicas with everything around them, on the machine's clock.
pub struct Fleet {
    replicas: Vec<Option<Replica>>,
    homes: Vec<Home>,
    binary: PathBuf,
    children: bool,
    /// Their store.
    pub database: Database,
    /// The server of the store.
    pub postgres: PrivatePostgres,
    /// Where their leases and wake-ups are.
    pub redis: PrivateRedis,
    simulators: Vec<Running>,
    settings: Settings,
    directory: TempDir,
}

impl Fleet {
    /// A fleet to be put together. `binary` is the broker as a program.
    pub fn plan(binary: &str) -> Plan {
        Plan::new(binary)
    }

    /// The clients of a replica that serves.
    pub fn client(&self, replica: usize) -> &Client {
        &self.replicas[replica].as_ref().expect("the replica serves").client
    }

    /// The clients of every replica that serves.
    pub fn clients(&self) -> Vec<Client> {
        self.replicas.iter().flatten().map(|replica| replica.client.clone()).collect()
    }

    /// The simulator of a provider.
    pub fn simulator(&self, site: Site) -> &Running {
        // The order is that of `Site::ALL`, which is the order of declaration.
        &self.simulators[site as usize]
    }

    /// Takes a replica out of the fleet, to end it.
    pub fn take(&mut self, replica: usize) -> Replica {
        self.replicas[replica].take().expect("the replica serves")
    }

    /// Starts a replica again on what it left.
    pub async fn restart(&mut self, replica: usize) {
        assert!(self.replicas[replica].is_none(), "two replicas on one journal");
        self.replicas[replica] = Some(self.start_at(&self.homes[replica]).await);
    }

    /// The same, as this program.
    pub async fn restart_as(&mut self, replica: usize, binary: &Path) {
        assert!(self.replicas[replica].is_none(), "two replicas on one journal");
        self.replicas[replica] = Some(Replica::start(Some(binary), &self.homes[replica]).await);
    }

    /// Replicas that are started from now on serve gRPC where those before them do. Answers these addresses.
    pub fn stay(&self) -> Vec<SocketAddr> {
        let serving = self.replicas.iter().flatten().zip(&self.homes);
        serving.map(|(replica, home)| home.stay_at(replica.grpc())).collect()
    }

    /// Where a replica keeps its own things.
    pub fn home_of(&self, replica: usize) -> &Home {
        &self.homes[replica]
    }

    /// A home for a replica on any database, with a journal of its own.
    pub fn home(&self, name: &str, database: &Database) -> Home {
        self.home_as("all", name, database)
    }

    /// The same for a process of that role.
    pub fn home_as(&self, role: &'static str, name: &str, database: &Database) -> Home {
        Home::of(role, self.settings.write(role, &self.directory.path().join(name), &database.url()))
    }

    /// The file of the key that rotators alone have.
    pub fn rotation_kek(&self) -> PathBuf {
        self.settings.rotation_kek()
    }

    /// A replica that serves.
    pub fn replica(&self, replica: usize) -> &Replica {
        self.replicas[replica].as_ref().expect("the replica serves")
    }

    /// The file of the key encryption key that all replicas share.
    pub fn kek(&self) -> PathBuf {
        self.settings.kek()
    }

    /// Starts a replica that is not one of the fleet.
    pub async fn start_stranger(&self, home: &Home) -> Replica {
        self.start_at(home).await
    }

    /// The keys of grants of these users.
    pub fn keys(&self, site: Site, users: Range<usize>) -> Vec<v1::GrantKey> {
        let key = |user| v1::GrantKey {
            tenant_id: TENANT.to_owned(),
            provider: site.name().to_owned(),
            user_id: format!("user-{user}"),
            account: String::new(),
        };
        users.map(key).collect()
    }

    fn consenting_clients(&self) -> Vec<Client> {
        let replicas = self.replicas.iter().zip(&self.homes);
        let rotating = replicas.filter(|(_, home)| home.rotates());
        rotating.filter_map(|(replica, _)| Some(replica.as_ref()?.client.clone())).collect()
    }

    /// Walks users through consent, at one replica after the other.
    pub async fn consents(&self, site: Site, users: Range<usize>) -> Vec<v1::GrantKey> {
        let (keys, clients) = (self.keys(site, users), self.consenting_clients());
        let consents = keys.iter().zip(clients.iter().cycle()).map(|(key, client)| async move {
            let started = client.start(key).await.unwrap();
            let callback = site.kin().person().approve(&started.authorization_url).await.unwrap();
            client.complete(key, &callback).await.unwrap();
        });
        stream::iter(consents).buffer_unordered(CONSENTS_AT_ONCE).collect::<()>().await;
        keys
    }

    /// The same, and waits until their first access tokens have expired.
    pub async fn expired_consents(&self, site: Site, users: Range<usize>) -> Vec<v1::GrantKey> {
        let life = serde_json::json!({ "expires_in": SHORT_LIFE.as_secs() });
        self.simulator(site).faults().push(Fault::rewrite(Endpoint::Exchange, life).forever());
        let keys = self.consents(site, users).await;
        self.simulator(site).faults().clear();
        SystemClock.sleep_until(SystemClock.now() + SHORT_LIFE).await;
        keys
    }

    /// What the provider's API answers to this token.
    pub async fn api_status(&self, site: Site, token: &v1::GetAccessTokenResponse) -> u16 {
        let address = self.simulator(site).address();
        http::get(address, site.kin().api_path(), &token.headers["authorization"]).await.0
    }

    /// Asks a replica for tokens until it serves one of this generation.
    pub async fn until_generation(
        &self,
        replica: usize,
        key: &v1::GrantKey,
        generation: u64,
    ) -> v1::GetAccessTokenResponse {
        let asking = async {
            loop {
                match self.client(replica).token(ask(key)).await.unwrap() {
                    token if token.generation >= generation => return token,
                    _ => tokio::time::sleep(PAUSE).await,
                }
            }
        };
        tokio::time::timeout(LONGEST_WAIT, asking).await.expect("a replica serves an old token for ever")
    }

    /// FLUSHALL.
    pub async fn flush_redis(&self) {
        let address = self.redis.url().trim_start_matches("redis://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"FLUSHALL\r\n").await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+OK\r\n");
    }

    /// Stops every replica, and checks that no attempt was left open.
    pub async fn close(mut self) {
        self.simulators.iter().for_each(|simulator| simulator.faults().clear());
        for replica in self.replicas.drain(..).flatten() {
            replica.stop().await;
        }
        assert_eq!(self.database.open_attempts().await, 0, "attempts were left open");
    }
}
