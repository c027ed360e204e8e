//! What the binary knows: keys of its configuration, metrics, roles.

use std::collections::BTreeSet;
use std::process::Command;

use super::papers::root;
use crate::BINARY;

/// Sections whose next name is the operator's own.
const NAMED: [&str; 2] = ["providers", "pages.tenants"];

/// Every key of the configuration, as `section.key`; `*` in the place of names that operators choose.
pub(super) fn keys() -> BTreeSet<String> {
    let output = Command::new(BINARY).args(["config", "default"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let all: Vec<_> = text.lines().map(|line| line.strip_prefix("#| ").unwrap_or(line)).collect();
    keys_in(&all.join("\n")).unwrap()
}

/// Every key of a piece of configuration, in the same way.
pub(super) fn keys_in(text: &str) -> Result<BTreeSet<String>, toml::de::Error> {
    let mut keys = BTreeSet::new();
    collect("", &toml::Value::Table(text.parse()?), &mut keys);
    Ok(keys)
}

/// Where a broker listens of which nothing else is said: gRPC, HTTP.
pub(super) fn listens() -> [u16; 2] {
    let output = Command::new(BINARY).args(["config", "default"]).output().unwrap();
    let config: toml::Table = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    ["grpc", "http"].map(|name| {
        let address = config["listen"][name].as_str().unwrap();
        address.rsplit(':').next().unwrap().parse().unwrap()
    })
}

fn collect(path: &str, value: &toml::Value, keys: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                let name = if NAMED.contains(&path) { "*" } else { name };
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                keys.insert(path.clone());
                collect(&path, value, keys);
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| collect(path, item, keys)),
        _ => {}
    }
}

/// Whether the operator's own names in the path make it one of the keys.
pub(super) fn is_key(keys: &BTreeSet<String>, path: &[&str]) -> bool {
    let candidates = NAMED.iter().filter_map(|named| {
        let named: Vec<_> = named.split('.').collect();
        (path.len() > named.len() && path.starts_with(&named)).then(|| {
            let mut path = path.to_vec();
            path[named.len()] = "*";
            path.join(".")
        })
    });
    candidates.chain([path.join(".")]).any(|candidate| keys.contains(&candidate))
}

/// Names in backticks in the first column of the tables of docs/metrics.md, which another test compares with a scrape.
pub(super) fn metrics() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split(['`', '{']).next()).map(str::to_owned).collect()
}

/// The values of `serve --role`, from its help.
pub(super) fn roles() -> BTreeSet<String> {
    let output = Command::new(BINARY).args(["serve", "--help"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, after) = text.split_once("--role").expect("serve has roles");
    let lines = after.lines().filter_map(|line| line.trim().strip_prefix("- "));
    lines.filter_map(|line| line.split(':').next()).map(str::to_owned).collect()
}

/// The environment variables of brokerctl, from what its flags say.
pub(super) fn variables_of_brokerctl() -> BTreeSet<String> {
    let flags = std::fs::read_to_string(root().join("crates/broker-cli/src/cli.rs")).unwrap();
    let variables = flags.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
    variables.map(str::to_owned).collect()
}

/// The database roles that the migrations name.
pub(super) fn database_roles() -> BTreeSet<String> {
    let migrations = std::fs::read_dir(root().join("migrations/postgres")).unwrap();
    let mut roles = BTreeSet::new();
    for file in migrations {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if word.starts_with("token_broker_") {
                roles.insert(word.to_owned());
            }
        }
    }
    roles
}
