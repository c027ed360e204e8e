//! Works for tests.

use super::work::Work;
use crate::ports::DueGrant;
use crate::{AccountLabel, Generation, GrantKey, ProviderName, RegistrationId, TenantId, Timestamp, UserId};

/// Seconds after some day's beginning.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_006_400 + seconds)
}

pub(super) fn key(tenant: &str, provider: &str, user: &str) -> GrantKey {
    GrantKey {
        tenant: TenantId::new(tenant).unwrap(),
        provider: ProviderName::new(provider).unwrap(),
        user: UserId::new(user).unwrap(),
        account: AccountLabel::default_label(),
    }
}

/// A grant that nobody doubts, asked for just now.
pub(super) fn due(key: GrantKey, due_at: Timestamp, expires_at: Timestamp) -> DueGrant {
    DueGrant {
        key,
        generation: Generation::new(1),
        due_at,
        undecided: false,
        registration: RegistrationId::new("main").unwrap(),
        expires_at,
        dies_at: None,
        refresh_token_timeout: None,
        asked_at: Some(due_at),
    }
}

pub(super) fn work(tenant: &str, provider: &str, due_at: Timestamp, deadline: Timestamp) -> Work {
    Work::new(due(key(tenant, provider, "ada"), due_at, deadline), false)
}
