//! The programs of `docs/examples`, against a broker.
//!
//! Those of other languages need these, and are run by the steps `examples-python` and `examples-node` of
//! `cargo xtask test`.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use broker_e2e::{House, Provider, workshop};
use provider_sim::{Endpoint, Fault, FaultBody, When};
use tokio::process::Command;

use crate::BINARY;

const RUST: &str = env!("CARGO_BIN_EXE_example_call_api");

/// A younger token is not refreshed for a report.
const OLD_ENOUGH: Duration = Duration::from_secs(30);

/// How an example is started: up to its arguments.
struct Example {
    start: fn() -> Command,
    /// How it writes where the broker is.
    scheme: &'static str,
}

impl Example {
    /// Runs it to its end for this user.
    async fn run(&self, house: &House, provider: Provider, user: &str) -> Output {
        let broker = format!("{}{}", self.scheme, house.grpc());
        let url = format!("{}{}", house.simulator(provider).base_url(), provider.api_path());
        let mut command = (self.start)();
        command.args([&broker, "acme", provider.name(), user, &url]).kill_on_drop(true);
        command.output().await.unwrap()
    }

    /// The same, and it ends well. Answers what it says.
    async fn says(&self, house: &House, provider: Provider, user: &str) -> String {
        let output = self.run(house, provider, user).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    async fn works(&self) {
        self.tells_what_the_api_answers().await;
        self.reports_a_401().await;
    }

    /// Prints how the provider's API answers to a user who has consented, and why there is no token for one who has not.
    async fn tells_what_the_api_answers(&self) {
        let house = House::plan().child(BINARY).open().await;
        for provider in Provider::ALL {
            house.consent(provider, "ada").await;
            assert_eq!(self.says(&house, provider, "ada").await, "200 with generation 1");

            let nobody = self.run(&house, provider, "nobody").await;
            let complaint = String::from_utf8_lossy(&nobody.stderr);
            assert!(!nobody.status.success() && nobody.stdout.is_empty(), "{complaint}");
            assert!(complaint.contains("let the user consent first"), "{complaint}");
        }
        house.close().await;
    }

    /// The API answers 401 once: the token is reported, and the newer one is good. A 403 is not reported.
    async fn reports_a_401(&self) {
        let house = House::open().await;
        for provider in Provider::ALL {
            house.consent(provider, "ada").await;
            house.clock.advance(OLD_ENOUGH);
            let simulator = house.simulator(provider);
            for (status, said) in [(401, "200 with generation 2"), (403, "403 with generation 2")] {
                let fault = Fault::respond(Endpoint::Api, When::BeforeCommit, status, FaultBody::Provider);
                simulator.faults().push(fault);
                assert_eq!(self.says(&house, provider, "ada").await, said);
                assert_eq!(simulator.faults().waiting(), [], "the API was not asked");
            }
            assert_eq!(simulator.journal().refreshes(), 1, "reported once");
        }
        house.close().await;
    }
}

#[tokio::test]
async fn rust() {
    Example { start: || Command::new(RUST), scheme: "http://" }.works().await;
}

#[tokio::test]
#[ignore = "needs node and npm"]
async fn node() {
    Example { start: start_node, scheme: "" }.works().await;
}

#[tokio::test]
#[ignore = "needs python3 with venv and pip"]
async fn python() {
    Example { start: start_python, scheme: "" }.works().await;
}

fn start_node() -> Command {
    let install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    let there = workshop::prepare("docs/examples/node", &[&install]);
    let root = workshop::root();
    let google = root.join("crates/broker-proto/third_party/googleapis");
    let protos = format!("{}:{}", root.join("proto").display(), google.display());
    start("node", &there.join("call_api.mjs"), &protos)
}

fn start_python() -> Command {
    let create = ["python3", "-m", "venv", "venv"];
    let install = ["venv/bin/python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt"];
    let there = workshop::prepare("docs/examples/python", &[&create, &install]);
    let protos = workshop::root().join("proto").display().to_string();
    start(&there.join("venv/bin/python").display().to_string(), &there.join("call_api.py"), &protos)
}

fn start(interpreter: &str, program: &Path, protos: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(program).env("TOKEN_BROKER_PROTO", protos);
    command
}
