//! A configuration file that changes while the broker runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use broker_e2e::access::{ALL_ACTIONS, policy};
use broker_e2e::{BrokerProcess, Client, House, LONGEST_WAIT, Program, Provider, http};
use broker_proto::v1;
use provider_sim::{EvercamConfig, Journal};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::Command;
use tonic::Code;

use super::until;
use crate::BINARY;

/// A broker whose file is a link into a directory that is a link itself, as Kubernetes mounts a ConfigMap.
struct Mounted {
    directory: TempDir,
    original: String,
    broker: BrokerProcess,
    versions: usize,
}

impl Mounted {
    async fn start(house: &mut House) -> Self {
        house.stop().await;
        let directory = tempfile::tempdir().unwrap();
        let original =
            fs::read_to_string(house.config()).unwrap().replace("level = \"trace\"", "level = \"info\"");
        let file = directory.path().join("broker.toml");
        symlink("..data/broker.toml", &file).unwrap();
        mount(directory.path(), 0, &original);
        let mut command = Command::new(BINARY);
        command.args(["serve", "--config"]).arg(&file);
        let program = Program::start(command, &directory.path().join("log"));
        let broker = BrokerProcess::started(program).await;
        Self { directory, original, broker, versions: 1 }
    }

    /// All of it changes at once.
    fn swap(&mut self, text: &str) {
        mount(self.directory.path(), self.versions, text);
        self.versions += 1;
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    async fn until_logged(&self, text: &str) {
        until(text, async || self.log().contains(text)).await;
    }
}

fn mount(at: &Path, version: usize, text: &str) {
    let name = PathBuf::from(format!("..version-{version}"));
    fs::create_dir(at.join(&name)).unwrap();
    fs::write(at.join(&name).join("broker.toml"), text).unwrap();
    symlink(&name, at.join("..data_tmp")).unwrap();
    fs::rename(at.join("..data_tmp"), at.join("..data")).unwrap();
}

async fn may_list(client: &Client, principal: &str) -> bool {
    let listed = client.named(principal).admin().list_providers(v1::ListProvidersRequest::default()).await;
    match listed {
        Ok(_) => true,
        Err(status) => {
            assert_eq!(status.code(), Code::PermissionDenied, "{status}");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_and_the_level_of_the_log_change_with_the_file_and_the_rest_is_named() {
    let mut house = House::plan().enforce("").child(BINARY).open().await;
    let mut mounted = Mounted::start(&mut house).await;
    let client = Client::connect(mounted.broker.grpc).await;
    assert!(!may_list(&client, "ops").await);

    let more = policy("ops", ALL_ACTIONS, "*", "*");
    let good = format!("{}{more}", mounted.original);
    mounted.swap(&good.replace("level = \"info\"", "level = \"debug\""));
    until("leave for ops", async || may_list(&client, "ops").await).await;
    mounted.until_logged("the configuration was read again and is in force").await;
    until("a line at the new level", async || {
        may_list(&client, "nobody").await;
        mounted.log().contains("\"level\":\"DEBUG\"")
    })
    .await;

    // What is broken changes nothing, and is told with its place.
    mounted.swap(&good.replacen("[listen]\n", "[listen]\ngrcp = 1\n", 1));
    mounted.until_logged("broker.toml: line 2, column 1: [listen] grcp: unknown field").await;
    assert!(may_list(&client, "ops").await);
    let unsafe_timing = format!("{good}[vend]\ncached_grants = 0\n");
    mounted.swap(&unsafe_timing);
    mounted.until_logged("[vend] cached_grants must not be zero").await;
    assert!(may_list(&client, "ops").await);

    // What cannot be changed is named, and what can be is taken over all the same.
    mounted.swap(&format!("{}[vend]\ncached_grants = 7\n", mounted.original));
    until("no leave for ops", async || !may_list(&client, "ops").await).await;
    mounted.until_logged("\"needs_restart\":\"vend.cached_grants\"").await;
    assert!(mounted.broker.end(Signal::TERM).await.success());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_reads_the_file_and_ends_nothing() {
    let mut house = House::plan().child(BINARY).open().await;
    let mounted = Mounted::start(&mut house).await;
    let pid = Pid::from_raw(i32::try_from(mounted.broker.pid()).unwrap()).unwrap();
    mounted.until_logged("serving").await;
    kill_process(pid, Signal::HUP).unwrap();
    mounted.until_logged("the configuration was read again").await;
    assert!(mounted.broker.end(Signal::TERM).await.success());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_budget_changes_with_the_file() {
    const ONE_IN_AN_HOUR: &str = "requests_per_second = 0.0003\nburst = 1";
    // Due again as soon as it is refreshed.
    let evercam = EvercamConfig { access_ttl: Duration::from_secs(1), ..EvercamConfig::demo() };
    let plan = House::plan().child(BINARY).evercam(evercam).rotation("tick", "100ms");
    let mut house = plan.provider(Provider::Evercam, ONE_IN_AN_HOUR).open().await;
    for user in ["ada", "bob", "cyd"] {
        house.consent(Provider::Evercam, user).await;
    }
    house.stop().await;
    let journal = house.simulator(Provider::Evercam).journal().clone();
    let before = journal.refreshes();
    let mut mounted = Mounted::start(&mut house).await;
    until("a refusal", async || {
        let (_, page) = http::get(mounted.broker.http, "/metrics", "").await;
        page.lines().any(|line| {
            line.starts_with("token_broker_provider_budget_refusals_total{provider=\"evercam\"}")
                && !line.ends_with(" 0")
        })
    })
    .await;
    assert!(journal.refreshes() <= before + 1, "{} refreshes", journal.refreshes() - before);

    let more = mounted.original.replace(ONE_IN_AN_HOUR, "requests_per_second = 100");
    assert_ne!(more, mounted.original);
    mounted.swap(&more);
    let many = |journal: &Journal| journal.refreshes() >= before + 10;
    journal.wait_for(many, LONGEST_WAIT).await.unwrap();
    mounted.until_logged("providers.evercam.requests_per_second").await;
    assert!(!mounted.log().contains("needs_restart"), "a budget needs none");
    assert!(mounted.broker.end(Signal::TERM).await.success());
    house.close().await;
}
