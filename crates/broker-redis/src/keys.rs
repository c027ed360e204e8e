//! Names in Redis. The part in braces decides the slot in a cluster.

use broker_core::{GrantId, ProviderName};

/// Where wake-ups are published.
pub(crate) const WAKEUPS: &str = "tokenbroker:v1:{wakeups}";

pub(crate) fn lease(grant: GrantId) -> String {
    format!("tokenbroker:v1:lease:{{{grant}}}")
}

pub(crate) fn budget(provider: &ProviderName) -> String {
    format!("tokenbroker:v1:budget:{{{provider}}}")
}
