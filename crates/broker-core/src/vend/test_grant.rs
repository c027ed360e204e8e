//! A grant to decide about.

use std::time::Duration;

use crate::{
    AccountLabel, Generation, Grant, GrantKey, Lifecycle, LineageId, Phase, ProviderName, RegistrationId,
    TenantId, Timestamp, UserId,
};

pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// At generation 5, active and idle, with an hour of its token left.
pub(super) fn grant() -> Grant {
    let key = GrantKey {
        tenant: TenantId::new("acme").unwrap(),
        provider: ProviderName::new("evercam").unwrap(),
        user: UserId::new("ada").unwrap(),
        account: AccountLabel::default_label(),
    };
    Grant {
        id: key.grant_id(),
        key,
        registration: RegistrationId::new("main").unwrap(),
        lineage: LineageId::from_bytes([1; 16]),
        generation: Generation::new(5),
        lifecycle: Lifecycle::Active,
        phase: Phase::Idle,
        tainted: false,
        refreshable: true,
        token_type: "Bearer".to_owned(),
        scopes: Vec::new(),
        api_base_url: None,
        upstream_account: None,
        issued_at: NOW,
        expires_at: NOW + Duration::from_secs(3600),
        consented_at: NOW,
        dies_at: None,
        due_at: None,
        refreshed_at: None,
        last_failure: None,
        created_at: NOW,
        updated_at: NOW,
        revocation: None,
    }
}
