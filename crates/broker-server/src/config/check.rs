//! What parses may still not be usable: values that must be there, or do not go together.

use super::{AuthMode, Config, role, writable};
use crate::role::Role;

/// Less leaves no room to work in.
const LEAST_ESCROW: u64 = 8 << 20;

/// Every problem of a process of that role, with its key.
pub(super) fn check(config: &Config, role: Role) -> Vec<String> {
    let mut problems = Vec::new();
    problems.extend(config.store.problems());
    problems.extend(role::problems(config, role));
    problems.extend(Some(config).filter(|_| role.rotates()).and_then(escrow));
    problems.extend(config.keys.problems());
    problems.extend(config.public_url().err());
    problems.extend(config.pages.problems());
    problems.extend(config.lease.problems());
    problems.extend(config.limits.problems(config.connection_age()));
    problems.extend(strangers(config));
    problems.extend(config.auth.problems());
    problems.extend(config.tls_problems());
    problems.extend(config.access_settings().err().unwrap_or_default());
    problems.extend(config.quotas().err().unwrap_or_default());
    problems.extend(config.audit.problems());
    problems.extend(config.events.problems());
    problems.extend(config.webhooks.problems());
    problems.extend(config.ext_authz.problems());
    problems.extend(config.rotation.problems());
    problems.extend(config.telemetry.problems());
    problems.extend(ca_file(config));
    if config.escrow.max_bytes < LEAST_ESCROW {
        problems.push(format!("[escrow] max_bytes must be at least {LEAST_ESCROW}"));
    }
    if config.vend.cached_grants == 0 {
        problems.push("[vend] cached_grants must not be zero".into());
    }
    for (key, most) in [
        ("watch_streams", config.vend.watch_streams),
        ("watch_streams_per_caller", config.vend.watch_streams_per_caller),
    ] {
        if most == 0 {
            problems.push(format!("[vend] {key} must not be zero"));
        }
    }
    for (name, provider) in &config.providers {
        problems.extend(provider.problems(name));
    }
    problems
}

fn escrow(config: &Config) -> Option<String> {
    match &config.escrow.dir {
        None => {
            Some("[escrow] dir is not set; name a directory on a volume that outlives the process".to_owned())
        }
        Some(directory) => {
            writable::possible(directory).err().map(|problem| format!("[escrow] dir: {problem}"))
        }
    }
}

fn strangers(config: &Config) -> Option<String> {
    let strangers = config.auth.mode == AuthMode::Dev && !config.listen.grpc.ip().is_loopback();
    strangers.then(|| {
        format!(
            "[auth] mode = \"dev\" knows no callers and is allowed on a loopback address only, but [listen] grpc is {}",
            config.listen.grpc
        )
    })
}

/// Reading the system's certificates takes its time, and nothing in a configuration can spoil them.
fn ca_file(config: &Config) -> Option<String> {
    config.egress.ca_file.as_ref().and_then(|_| config.open_egress().err())
}
