//! The configuration of each replica, as a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::plan::{Plan, Times};
use crate::providers::Providers;
use crate::stores::Stores;

/// Attempts in flight at once at each replica: what its part of the rotations needs, and what one kill can cost.
const MOST_IN_FLIGHT: usize = 8;

/// Makes the key that all replicas share.
pub(crate) fn generate_key(broker: &Path, directory: &Path) -> Result<()> {
    run(Command::new(broker).args(["keys", "generate", "--out"]).arg(directory.join("kek")))
}

/// Brings an empty database to the broker's schema.
pub(crate) fn migrate(broker: &Path, config: &Path) -> Result<()> {
    run(Command::new(broker).arg("migrate").arg("--config").arg(config))
}

/// Where one replica keeps what is its own.
pub(crate) struct Home {
    pub(crate) config: PathBuf,
    pub(crate) escrow: PathBuf,
    pub(crate) log: PathBuf,
}

impl Home {
    /// Makes the directory of replica `number`, with its configuration.
    pub(crate) fn furnish(
        number: usize,
        directory: &Path,
        plan: &Plan,
        stores: &Stores,
        providers: &Providers,
    ) -> Result<Self> {
        let own = directory.join(format!("replica-{number}"));
        fs::create_dir_all(&own)?;
        let home = Self {
            config: own.join("token-broker.toml"),
            escrow: own.join("escrow"),
            log: own.join("broker.log"),
        };
        let toml = format!(
            "[listen]\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n\n[store]\nurl = \"{}\"\n\n\
             [lease]\nurl = \"{}\"\n\n[keys]\nkek_file = \"{}\"\n\n[escrow]\ndir = \"{}\"\n\n\
             [log]\nlevel = \"warn\"\nformat = \"json\"\n\n{}{}",
            stores.store_url(),
            stores.lease_url(),
            directory.join("kek").display(),
            home.escrow.display(),
            rotation(plan),
            providers.toml(),
        );
        fs::write(&home.config, toml)?;
        Ok(home)
    }
}

fn rotation(plan: &Plan) -> String {
    let times = Times::SHRUNK;
    let own = [
        ("connect_timeout", times.connect_timeout),
        ("provider_timeout", times.provider_timeout),
        ("lease_ttl", times.lease_ttl),
        ("orphan_wait", times.orphan_wait),
        ("late_read", times.late_read),
        ("heartbeat", times.heartbeat),
        ("death_detection", times.death_detection),
        ("escrow_wait", times.escrow_wait),
        ("max_clock_skew", times.max_clock_skew),
        ("registration_pause", times.registration_pause),
        ("unlabelled_window", times.unlabelled_window),
        ("suspect_confirm_after", times.suspect_confirm_after),
        ("retry_base", times.retry_base),
        ("retry_cap", times.retry_cap),
        ("probe_cap", times.probe_cap),
        ("tick", times.tick),
    ];
    let mut own: Vec<(String, String)> =
        own.map(|(key, span)| (key.to_owned(), humantime::format_duration(span).to_string())).into();
    own.push(("max_in_flight".to_owned(), MOST_IN_FLIGHT.to_string()));
    // What is said by hand goes over it.
    let said = |key: &String| plan.rotation.iter().any(|(given, _)| given == key);
    let keys = own.iter().filter(|(key, _)| !said(key)).chain(&plan.rotation);
    let lines: String = keys.map(|(key, value)| format!("{key} = {}\n", toml_value(value))).collect();
    format!("[rotation]\n{lines}")
}

/// A number as it is, anything else as a text.
fn toml_value(text: &str) -> String {
    if text.parse::<u64>().is_ok() { text.to_owned() } else { format!("\"{text}\"") }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
