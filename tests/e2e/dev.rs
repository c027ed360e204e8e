//! `token-broker dev`: what a newcomer runs first.

use std::collections::BTreeSet;
use std::path::Path;

use broker_e2e::{Client, LONGEST_WAIT, Program, Provider, ask, http};
use broker_proto::v1::GrantKey;
use rustix::process::Signal;
use tokio::process::Command;
use url::Url;

use crate::BINARY;

#[tokio::test]
async fn once_walks_both_providers_through_consent_rotation_and_two_vends() {
    let mut dev = Command::new(BINARY);
    let output = dev.args(["dev", "--once"]).kill_on_drop(true).output();
    let output = tokio::time::timeout(LONGEST_WAIT, output).await.expect("it ends within 20 s").unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));

    let mut tokens = BTreeSet::new();
    for provider in Provider::ALL {
        let of_provider = stdout.lines().filter(|line| line.starts_with(provider.name()));
        let said: Vec<&str> = of_provider.map(|line| line[provider.name().len()..].trim()).collect();
        let [consented, vended, rotated, token] = said[..] else { panic!("{stdout}") };
        assert!(consented.starts_with("alice consented"), "{consented}");
        assert!(vended.starts_with("token vended, generation 1; the API accepts it"), "{vended}");
        assert!(rotated.starts_with("rotated to generation 2; the API accepts the new token"), "{rotated}");
        tokens.insert(token.strip_prefix("generation 2 token ").expect("a token line").to_owned());
    }
    assert_eq!(tokens.len(), 2, "each provider has a token of its own");
    assert!(tokens.iter().all(|token| token.len() > 20));

    let directory = stdout.lines().find_map(|line| line.strip_prefix("data")).unwrap().trim();
    assert!(!Path::new(directory).exists(), "the temporary directory is left behind");
}

#[tokio::test]
async fn a_killed_broker_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let first = start(directory.path());
    let (first, said) = rotated(first).await;
    assert!(said.iter().any(|line| line.contains("consented")), "{said:#?}");
    let before = Provider::ALL.map(|provider| generation(&said, provider));
    first.signal(Signal::KILL);
    assert_eq!(first.ended().await.code(), None);

    let mut second = start(directory.path());
    let addresses = second.line_with("grpc").await;
    let (second, said) = rotated(second).await;
    assert!(!said.iter().any(|line| line.contains("consented")), "{said:#?}");
    for (provider, before) in Provider::ALL.into_iter().zip(before) {
        let found = |line: &String| line.starts_with(provider.name()) && line.contains("grant found");
        assert!(said.iter().any(found), "{said:#?}");
        assert!(generation(&said, provider) > before, "{said:#?}");
    }

    let addresses: serde_json::Value = serde_json::from_str(&addresses).unwrap();
    let client = Client::connect(addresses["grpc"].as_str().unwrap().parse().unwrap()).await;
    for provider in Provider::ALL {
        assert_eq!(api_status(&client, provider).await, 200, "{provider:?}");
    }
    second.signal(Signal::TERM);
    assert_eq!(second.ended().await.code(), Some(0));
}

fn start(directory: &Path) -> Program {
    let mut command = Command::new(BINARY);
    command.arg("dev").arg("--data").arg(directory);
    Program::start(command, &directory.join("stderr"))
}

/// Waits until both providers have been rotated. Answers what was said until then.
async fn rotated(mut program: Program) -> (Program, Vec<String>) {
    let mut said = program.lines_until("rotated to generation").await;
    said.extend(program.lines_until("rotated to generation").await);
    (program, said)
}

fn generation(said: &[String], provider: Provider) -> u64 {
    let mut of_provider = said.iter().filter(|line| line.starts_with(provider.name()));
    let text = of_provider.find_map(|line| line.split_once("rotated to generation ")).unwrap().1;
    text.split(';').next().unwrap().parse().unwrap()
}

/// What the simulator's API answers to a token vended now. Where it listens stands in any authorization URL.
async fn api_status(client: &Client, provider: Provider) -> u16 {
    let key = GrantKey {
        tenant_id: "demo".to_owned(),
        provider: provider.name().to_owned(),
        user_id: "alice".to_owned(),
        account: String::new(),
    };
    let url = Url::parse(&client.start(&key).await.unwrap().authorization_url).unwrap();
    let address = url.socket_addrs(|| None).unwrap()[0];
    let token = client.token(ask(&key)).await.unwrap();
    http::get(address, provider.api_path(), &token.headers["authorization"]).await.0
}
