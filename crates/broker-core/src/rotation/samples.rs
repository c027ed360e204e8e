//! A grant and an attempt for unit tests, with nothing wrong with them.

use std::time::Duration;

use crate::{
    AccountLabel, Attempt, AttemptId, AttemptKind, AttemptPhase, Generation, Grant, GrantKey, IncarnationId,
    Lifecycle, LineageId, Phase, ProviderName, RegistrationId, TenantId, Timestamp, UserId,
};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

fn sample_key() -> GrantKey {
    GrantKey {
        tenant: TenantId::new("t").unwrap(),
        provider: ProviderName::new("p").unwrap(),
        user: UserId::new("u").unwrap(),
        account: AccountLabel::default_label(),
    }
}

pub(crate) fn sample_attempt() -> Attempt {
    Attempt {
        id: AttemptId::from_bytes([2; 16]),
        kind: AttemptKind::Refresh,
        key: sample_key(),
        registration: RegistrationId::new("r").unwrap(),
        lineage: LineageId::from_bytes([1; 16]),
        generation: Generation::new(1),
        presentation_no: 1,
        owner: IncarnationId::from_bytes([3; 16]),
        claimed_at: NOW,
        sent_at: None,
        phase: AttemptPhase::Claimed,
    }
}

pub(crate) fn sample_grant() -> Grant {
    let key = sample_key();
    Grant {
        id: key.grant_id(),
        key,
        registration: RegistrationId::new("r").unwrap(),
        lineage: LineageId::from_bytes([1; 16]),
        generation: Generation::new(1),
        lifecycle: Lifecycle::Active,
        phase: Phase::Idle,
        tainted: false,
        refreshable: true,
        token_type: "Bearer".into(),
        scopes: vec![],
        api_base_url: None,
        issued_at: NOW - Duration::from_secs(3600),
        expires_at: NOW,
        consented_at: NOW - Duration::from_secs(86_400),
        dies_at: None,
        due_at: None,
        refreshed_at: None,
        last_failure: None,
        created_at: NOW,
        updated_at: NOW,
        revocation: None,
        upstream_account: None,
    }
}
