//! The version before and this one, on one database: side by side, one after the other, and back.
//!
//! `cargo xtask upgrade` builds the version before and runs these.

mod handover;
mod mixed;
mod roles;
mod rolling;
mod schema;

use std::env;
use std::path::{Path, PathBuf};

use broker_e2e::fleet::Plan;
use broker_e2e::{Fleet, Site, ask};
use broker_proto::v1::GrantKey;

use crate::BINARY;
use crate::fleet::patience::{refresh_patiently, until};

/// Says where the version before is.
const PREVIOUS: &str = "TOKEN_BROKER_PREVIOUS";

/// The broker of the version before, as a program.
fn previous() -> PathBuf {
    let said = env::var_os(PREVIOUS);
    said.unwrap_or_else(|| panic!("{PREVIOUS} names no program: run `cargo xtask upgrade`")).into()
}

/// This version, as a program.
fn current() -> PathBuf {
    BINARY.into()
}

/// A fleet of the version before, on a schema of its own, where the dead are found out soon.
fn plan() -> Plan {
    let previous = previous();
    Fleet::plan(previous.to_str().unwrap())
        .children()
        .rotation("heartbeat", "500ms")
        .rotation("death_detection", "2s")
}

/// What an update begins with: the new version's `migrate`, beneath brokers that serve.
async fn migrate(fleet: &Fleet) {
    let (status, said) = fleet.command_of(&current(), &["migrate"], fleet.home_of(0)).await;
    assert!(status.success(), "{said}");
}

/// Ends a replica in order and starts that program in its place.
async fn replace(fleet: &mut Fleet, replica: usize, binary: &Path) {
    fleet.take(replica).stop().await;
    fleet.restart_as(replica, binary).await;
}

/// Each of these replicas rotates each grant, and every one of them serves what came of it.
async fn all_work(fleet: &Fleet, site: Site, keys: &[GrantKey], replicas: &[usize]) {
    for (replica, key) in replicas.iter().flat_map(|replica| keys.iter().map(move |key| (*replica, key))) {
        let grant = refresh_patiently(fleet.client(replica), key).await.unwrap();
        for other in replicas {
            let token = fleet.until_generation(*other, key, grant.generation).await;
            assert_eq!(fleet.api_status(site, &token).await, 200);
        }
    }
}

/// Waits until a replica serves a token of the grant.
async fn until_served(fleet: &Fleet, replica: usize, key: &GrantKey) {
    until("a token", async || fleet.client(replica).token(ask(key)).await.is_ok()).await;
}
