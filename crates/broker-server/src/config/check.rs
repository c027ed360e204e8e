//! What parses may still not be usable: values that must be there, or do not go together.

use super::{AuthMode, Config};

/// Every problem, with its key.
pub(super) fn check(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    check_places(config, &mut problems);
    check_access(config, &mut problems);
    if let Err(unsafe_timing) = config.rotation.timing().check() {
        problems.push(format!("[rotation] {unsafe_timing}"));
    }
    if config.vend.cached_grants == 0 {
        problems.push("[vend] cached_grants must not be zero".into());
    }
    for (name, provider) in &config.providers {
        problems.extend(provider.problems(name));
    }
    problems
}

fn check_places(config: &Config, problems: &mut Vec<String>) {
    if config.store.url.is_empty() {
        problems.push("[store] url is not set; write \"sqlite:///path/to/broker.db\"".into());
    } else if !config.store.url.starts_with("sqlite:") {
        problems.push("[store] url must begin with sqlite: (sqlite:///path or sqlite::memory:)".into());
    }
    if config.escrow.dir.is_none() {
        problems
            .push("[escrow] dir is not set; name a directory on a volume that outlives the process".into());
    }
    match (&config.keys.kek_file, &config.keys.kek) {
        (None, None) => problems.push(
            "[keys] neither kek_file nor kek is set; make a key with `token-broker keys generate --out FILE`"
                .into(),
        ),
        (Some(_), Some(_)) => problems.push("[keys] set either kek_file or kek, not both".into()),
        _ => {}
    }
}

fn check_access(config: &Config, problems: &mut Vec<String>) {
    let loopback = config.listen.grpc.ip().is_loopback();
    if config.auth.mode == AuthMode::Dev && !loopback {
        problems.push(format!(
            "[auth] mode = \"dev\" knows no callers and is allowed on a loopback address only, but [listen] grpc is {}",
            config.listen.grpc
        ));
    }
}
