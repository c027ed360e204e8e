//! What a role asks of the configuration.

use super::{Config, StoreLocation};
use crate::role::Role;

/// Every problem that only a process of this role has.
pub(super) fn problems(config: &Config, role: Role) -> Vec<String> {
    let name = role.as_str();
    let embedded = role != Role::All && matches!(config.store.location(), Ok(StoreLocation::Sqlite(_)));
    let embedded = embedded.then(|| {
        format!(
            "[store] url names SQLite, which one process has to itself: leave --role {name} out, or use a Postgres database"
        )
    });
    let powerful = role == Role::Api && config.keys.rotation.is_some();
    let powerful = powerful.then(|| {
        "[keys.rotation] opens refresh tokens, which --role api must not be able to: leave it out of the configuration of \
         api processes, and keep it with the rotators"
            .to_owned()
    });
    embedded.into_iter().chain(powerful).collect()
}
