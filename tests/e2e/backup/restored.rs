//! A backup of a house's database, restored beside it.

use std::fs;
use std::path::{Path, PathBuf};

use broker_e2e::{Answer, BrokerProcess, Client, House, ask};
use broker_proto::v1;
use rustix::process::Signal;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tokio::process::Command;

use crate::BINARY;

/// A copy of the database, with a configuration and a key file of its own, and an empty journal.
pub(super) struct Restored {
    directory: TempDir,
    config: PathBuf,
}

/// A broker that serves what was restored.
pub(super) struct Served {
    _restored: Restored,
    broker: BrokerProcess,
    client: Client,
}

impl Restored {
    /// Backs the database up while the broker serves.
    pub(super) async fn taken_from(house: &House) -> Self {
        let restored = Self::empty(house);
        run(&house.data().join("broker.db"), &format!("VACUUM INTO '{}'", restored.database().display()))
            .await;
        restored
    }

    /// Another copy of the same backup.
    pub(super) fn copy(&self, house: &House) -> Self {
        let restored = Self::empty(house);
        fs::copy(self.database(), restored.database()).unwrap();
        restored
    }

    /// Restored where these key encryption keys are held.
    pub(super) fn under(self, kek: &str) -> Self {
        fs::write(self.directory.path().join("kek"), kek).unwrap();
        self
    }

    /// The wrapped keys of today in place of those of the backup.
    pub(super) async fn with_data_keys_of(self, house: &House) -> Self {
        let live = house.data().join("broker.db");
        let script = format!(
            "ATTACH '{}' AS live; DELETE FROM main.data_keys; INSERT INTO main.data_keys SELECT * FROM live.data_keys;
             DELETE FROM main.key_encryption_keys;
             INSERT INTO main.key_encryption_keys SELECT * FROM live.key_encryption_keys;
             DELETE FROM main.audit_keys; INSERT INTO main.audit_keys SELECT * FROM live.audit_keys; DETACH live",
            live.display()
        );
        run(&self.database(), &script).await;
        self
    }

    /// Starts a broker on it.
    pub(super) async fn serve(self) -> Served {
        let log = self.directory.path().join("broker.log");
        let broker = BrokerProcess::serve(Path::new(BINARY), &self.config, &log).await;
        let client = Client::connect(broker.grpc).await;
        Served { _restored: self, broker, client }
    }

    /// What a broker says that does not start on it.
    pub(super) async fn refuses_to_serve(self) -> String {
        let mut command = Command::new(BINARY);
        let output = command.arg("serve").arg("--config").arg(&self.config).output().await.unwrap();
        assert!(!output.status.success());
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    fn empty(house: &House) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("token-broker.toml");
        let here = directory.path().display().to_string();
        let toml = fs::read_to_string(house.config()).unwrap();
        let toml = toml
            .replace(&house.data().display().to_string(), &here)
            .replace(&house.kek().display().to_string(), &format!("{here}/kek"));
        fs::write(&config, toml).unwrap();
        Self { directory, config }
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("broker.db")
    }
}

impl Served {
    pub(super) async fn vend(&self, key: &v1::GrantKey) -> Answer<v1::GetAccessTokenResponse> {
        self.client.token(ask(key)).await
    }

    pub(super) async fn stop(self) {
        let status = self.broker.end(Signal::TERM).await;
        assert!(status.success(), "{status}");
    }
}

async fn run(database: &Path, script: &str) {
    let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
