//! How a fleet is put together.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use test_servers::{PostgresOptions, PrivatePostgres, PrivateRedis, RedisOptions};
use tokio::process::Command;

use super::settings::Settings;
use super::{Database, Fleet, Home, Replica, Site};
use crate::access;
use crate::client::registration;
use crate::house::TENANT;
use crate::house::plan::hosting_section;

/// How to put a fleet together.
pub struct Plan {
    binary: PathBuf,
    replicas: usize,
    children: bool,
    scheduler: bool,
    rotation: Vec<(&'static str, String)>,
    access: String,
    roles: Vec<&'static str>,
    redis: bool,
    hosted: bool,
}

impl Plan {
    /// Three replicas in this process. `binary` is the broker as a program.
    pub(super) fn new(binary: &str) -> Self {
        let rotation = vec![("retry_base", "250ms".to_owned())];
        let (binary, access) = (binary.into(), String::new());
        let roles = Vec::new();
        Self {
            binary,
            replicas: 3,
            children: false,
            scheduler: false,
            rotation,
            access,
            roles,
            redis: true,
            hosted: false,
        }
    }

    /// So many replicas.
    pub fn replicas(self, replicas: usize) -> Self {
        Self { replicas, ..self }
    }

    /// The replicas are child processes.
    pub fn children(self) -> Self {
        Self { children: true, ..self }
    }

    /// Child processes of these roles, the first of which must rotate. What rotates tokens has a key of its own.
    pub fn roles(self, roles: &[&'static str]) -> Self {
        Self { replicas: roles.len(), roles: roles.to_vec(), children: true, ..self }
    }

    /// Leases and wake-ups stay within each process.
    pub fn without_redis(self) -> Self {
        Self { redis: false, ..self }
    }

    /// The schedulers look for due grants.
    pub fn scheduler(self) -> Self {
        Self { scheduler: true, ..self }
    }

    /// Callers may do what these policies allow, and who does not say who they are may do everything.
    pub fn enforce(self, policies: &str) -> Self {
        Self { access: access::section("enforce", policies), ..self }
    }

    /// The lines of `[audit]`.
    pub fn audit(self, lines: &str) -> Self {
        Self { access: format!("{}\n[audit]\n{lines}\n", self.access), ..self }
    }

    /// More sections.
    pub fn sections(self, toml: &str) -> Self {
        Self { access: format!("{}\n{toml}\n", self.access), ..self }
    }

    /// The replicas receive callbacks, and all providers may send browsers there.
    pub fn hosted(self) -> Self {
        let access = self.access + &hosting_section();
        Self { access, hosted: true, ..self }
    }

    /// A key of `[rotation]`.
    pub fn rotation(mut self, key: &'static str, value: &str) -> Self {
        self.rotation.push((key, value.to_owned()));
        self
    }

    /// Starts everything, and creates the tenant and its registrations.
    pub async fn start(mut self) -> Fleet {
        if !self.scheduler {
            self.rotation.push(("tick", "3650days".to_owned()));
        }
        let (postgres, redis) = tokio::join!(
            PrivatePostgres::start(PostgresOptions::default()),
            PrivateRedis::start(RedisOptions::default())
        );
        let mut simulators = Vec::new();
        for site in Site::ALL {
            simulators.push(site.simulator(self.hosted).await);
        }
        let sections = Site::ALL.iter().zip(&simulators);
        let providers = sections.map(|(site, simulator)| site.toml(&simulator.base_url())).collect();
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings {
            directory: directory.path().to_owned(),
            lease_url: if self.redis { redis.url().to_owned() } else { "in-process".to_owned() },
            apart: !self.roles.is_empty(),
            rotation: self.rotation,
            access: self.access,
            providers,
        };
        for (kid, file) in [("kek-1", settings.kek()), ("kek-r", settings.rotation_kek())] {
            let mut command = Command::new(&self.binary);
            let generated = command.args(["keys", "generate", "--kid", kid, "--out"]).arg(file).status();
            assert!(generated.await.unwrap().success());
        }
        let database = Database::create(postgres.url(), "broker").await;
        let mut fleet = Fleet {
            replicas: Vec::new(),
            homes: Vec::new(),
            binary: self.binary,
            children: self.children,
            database,
            postgres,
            redis,
            simulators,
            settings,
            directory,
        };
        for number in 0..self.replicas {
            let role = self.roles.get(number).copied().unwrap_or("all");
            let home = fleet.home_as(role, &format!("replica-{number}"), &fleet.database);
            if number == 0 {
                assert!(fleet.command(&["migrate"], &home).await.0.success());
            }
            fleet.replicas.push(Some(fleet.start_at(&home).await));
            fleet.homes.push(home);
        }
        fleet.move_in().await;
        fleet
    }
}

impl Fleet {
    /// Runs the program with these words and a replica's configuration. Answers how it ended, and what it said.
    pub async fn command(&self, words: &[&str], home: &Home) -> (ExitStatus, String) {
        self.command_of(&self.binary, words, home).await
    }

    /// The same with that program.
    pub async fn command_of(&self, binary: &Path, words: &[&str], home: &Home) -> (ExitStatus, String) {
        let mut command = Command::new(binary);
        let output = command.args(words).arg("--config").arg(&home.config).output().await.unwrap();
        (output.status, [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat())
    }

    pub(super) async fn start_at(&self, home: &Home) -> Replica {
        Replica::start(self.children.then_some(self.binary.as_path()), home).await
    }

    async fn move_in(&self) {
        self.client(0).create_tenant(TENANT).await.unwrap();
        for site in Site::ALL {
            let mut registration = registration(TENANT, site.kin());
            registration.provider = site.name().to_owned();
            self.client(0).register(registration).await.unwrap();
        }
    }
}
