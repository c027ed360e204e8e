//! Domain values as messages of the contract.

use std::time::Duration;

use broker_core::{
    Authorization, AuthorizationStatus, ClientRegistration, ConsentCause, DeviceStarted, FailureKind, Grant,
    GrantKey, LastFailure, Lifecycle, Phase, RegisteredSecret, RevocationOutcome, StaleReason, Tenant,
    Timestamp, Vended,
};
use broker_proto::v1;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::admin::etag_of;
use super::grant_window;

/// A point in time.
pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let micros = at.as_unix_micros();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or(0),
    }
}

/// A span of time.
pub(super) fn span(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: span.subsec_nanos().cast_signed(),
    }
}

/// RFC 3339, for texts; seconds since the epoch where that has no date.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let nanos = i128::from(at.as_unix_micros()) * 1000;
    let date = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| at.to_string())
}

pub(super) fn grant_key(key: &GrantKey) -> v1::GrantKey {
    v1::GrantKey {
        tenant_id: key.tenant.to_string(),
        provider: key.provider.to_string(),
        user_id: key.user.to_string(),
        account: key.account.to_string(),
    }
}

/// A vended token.
pub(super) fn token(vended: &Vended) -> v1::GetAccessTokenResponse {
    let grant = &vended.grant.grant;
    let access_token = vended.access_token.expose();
    v1::GetAccessTokenResponse {
        access_token: access_token.to_owned(),
        token_type: grant.token_type.clone(),
        headers: [("authorization".to_owned(), format!("{} {access_token}", scheme(&grant.token_type)))]
            .into(),
        expire_time: Some(timestamp(grant.expires_at)),
        scopes: grant.scopes.clone(),
        api_base_url: grant.api_base_url.clone().unwrap_or_default(),
        grant_id: grant.id.to_string(),
        generation: grant.generation.get(),
        refresh_hint_time: Some(timestamp(vended.refresh_hint_at)),
        served_stale_reason: stale_reason(vended.stale).into(),
        grant_expire_time: grant.dies_at.map(timestamp),
    }
}

/// How a watched grant stands.
pub(super) fn grant_state(grant: &Grant) -> v1::GrantStateUpdate {
    let (state, cause) = lifecycle(grant.lifecycle);
    v1::GrantStateUpdate {
        state: state.into(),
        generation: grant.generation.get(),
        needs_consent_cause: cause.into(),
        grant_expire_time: grant.dies_at.map(timestamp),
    }
}

/// The scheme of the header (RFC 6750 §2.1) where a provider wrote the type in another case.
pub(super) fn scheme(token_type: &str) -> &str {
    if token_type.eq_ignore_ascii_case("bearer") { "Bearer" } else { token_type }
}

pub(super) fn stale_reason(reason: Option<StaleReason>) -> v1::ServedStaleReason {
    match reason {
        None => v1::ServedStaleReason::Unspecified,
        Some(StaleReason::RefreshFailed) => v1::ServedStaleReason::RefreshFailed,
        Some(StaleReason::RotationUncertain) => v1::ServedStaleReason::RotationUncertain,
        Some(StaleReason::ConsentRequired) => v1::ServedStaleReason::ConsentRequired,
        Some(StaleReason::GrantExpired) => v1::ServedStaleReason::GrantExpired,
        Some(StaleReason::ClientRegistrationRejected) => v1::ServedStaleReason::ClientRegistrationRejected,
        Some(StaleReason::BackendUnavailable) => v1::ServedStaleReason::BackendUnavailable,
        Some(StaleReason::RefreshPaused) => v1::ServedStaleReason::RefreshPaused,
        Some(StaleReason::ReconsentRunning) => v1::ServedStaleReason::ReconsentRunning,
    }
}

/// A grant's health; never a token.
pub(super) fn grant(grant: &Grant) -> v1::Grant {
    let (state, cause) = lifecycle(grant.lifecycle);
    v1::Grant {
        grant_id: grant.id.to_string(),
        key: Some(grant_key(&grant.key)),
        state: state.into(),
        phase: phase(grant).into(),
        generation: grant.generation.get(),
        lineage: grant.lineage.to_string(),
        tainted: grant.tainted,
        scopes: grant.scopes.clone(),
        api_base_url: grant.api_base_url.clone().unwrap_or_default(),
        registration_id: grant.registration.to_string(),
        access_token_expire_time: holds_access_token(grant).then(|| timestamp(grant.expires_at)),
        last_refresh_time: Some(timestamp(grant.refreshed_at.unwrap_or(grant.consented_at))),
        next_refresh_time: grant.due_at.map(timestamp),
        grant_expire_time: grant.dies_at.map(timestamp),
        last_error: grant.last_failure.as_ref().map(failure),
        needs_consent_cause: cause.into(),
        create_time: Some(timestamp(grant.created_at)),
        update_time: Some(timestamp(grant.updated_at)),
        revocation_outcome: revocation_outcome(grant.revocation).into(),
        window_overrun: grant.overruns_window(),
        refreshable: grant.refreshable,
        upstream_account_known: grant.upstream_account.is_some(),
        shared_upstream_account: 0,
    }
}

/// The same, with how many share its account at the provider.
pub(super) fn shared_grant(of: &Grant, sharers: u32) -> v1::Grant {
    v1::Grant { shared_upstream_account: sharers, ..grant(of) }
}

/// None is held of a revoked grant, or of one that was imported and never refreshed.
fn holds_access_token(grant: &Grant) -> bool {
    !grant.lifecycle.is_revoked() && !grant.token_life().is_zero()
}

fn revocation_outcome(outcome: Option<RevocationOutcome>) -> v1::RevocationOutcome {
    match outcome {
        Some(RevocationOutcome::Revoked) => v1::RevocationOutcome::Revoked,
        Some(RevocationOutcome::NotSupported) => v1::RevocationOutcome::NotSupported,
        Some(RevocationOutcome::Refused) => v1::RevocationOutcome::Refused,
        // What a new consent lets go leaves its grant active.
        Some(RevocationOutcome::LetGo) | None => v1::RevocationOutcome::Unspecified,
    }
}

fn lifecycle(lifecycle: Lifecycle) -> (v1::GrantState, v1::NeedsConsentCause) {
    match lifecycle {
        Lifecycle::Active => (v1::GrantState::Active, v1::NeedsConsentCause::Unspecified),
        Lifecycle::ConsentExpired => (v1::GrantState::ConsentExpired, v1::NeedsConsentCause::Unspecified),
        Lifecycle::Revoking => (v1::GrantState::Revoking, v1::NeedsConsentCause::Unspecified),
        Lifecycle::Revoked => (v1::GrantState::Revoked, v1::NeedsConsentCause::Unspecified),
        Lifecycle::NeedsConsent(cause) => (v1::GrantState::NeedsConsent, needs_consent_cause(cause)),
    }
}

pub(super) fn needs_consent_cause(cause: ConsentCause) -> v1::NeedsConsentCause {
    match cause {
        ConsentCause::Revoked => v1::NeedsConsentCause::Revoked,
        ConsentCause::LostRotation => v1::NeedsConsentCause::LostRotation,
        ConsentCause::ProviderRefuses => v1::NeedsConsentCause::ProviderRefuses,
        ConsentCause::NoOfflineAccess => v1::NeedsConsentCause::NoOfflineAccess,
    }
}

/// Only for an active grant.
fn phase(grant: &Grant) -> v1::GrantPhase {
    match (grant.lifecycle, grant.phase) {
        (Lifecycle::Active, Phase::Idle) => v1::GrantPhase::Idle,
        (Lifecycle::Active, Phase::Claimed) => v1::GrantPhase::Claimed,
        (Lifecycle::Active, Phase::Sent) => v1::GrantPhase::Sent,
        (Lifecycle::Active, Phase::Uncertain) => v1::GrantPhase::Uncertain,
        (Lifecycle::Active, Phase::Suspect) => v1::GrantPhase::Suspect,
        (
            Lifecycle::NeedsConsent(_) | Lifecycle::ConsentExpired | Lifecycle::Revoking | Lifecycle::Revoked,
            _,
        ) => v1::GrantPhase::Unspecified,
    }
}

pub(super) fn failure(failure: &LastFailure) -> v1::GrantError {
    let kind = match failure.kind {
        FailureKind::DeadToken => v1::GrantErrorKind::DeadToken,
        FailureKind::ClientRejected => v1::GrantErrorKind::ClientRejected,
        FailureKind::UnlabelledRefusal => v1::GrantErrorKind::UnlabelledRefusal,
        FailureKind::Throttled => v1::GrantErrorKind::Throttled,
        FailureKind::Unreachable => v1::GrantErrorKind::Unreachable,
        FailureKind::Refused => v1::GrantErrorKind::Refused,
        FailureKind::Uncertain => v1::GrantErrorKind::Uncertain,
        FailureKind::Internal => v1::GrantErrorKind::Internal,
    };
    v1::GrantError {
        kind: kind.into(),
        time: Some(timestamp(failure.at)),
        oauth_error: failure.oauth_error.clone().unwrap_or_default(),
        http_status: failure.http_status.map_or(0, i32::from),
        failures_in_a_row: failure.in_a_row,
    }
}

pub(super) fn tenant(tenant: &Tenant) -> v1::Tenant {
    v1::Tenant {
        tenant_id: tenant.id.to_string(),
        display_name: tenant.display_name.clone(),
        state: v1::TenantState::Active.into(),
        etag: etag_of(tenant.version),
        create_time: Some(timestamp(tenant.created_at)),
        update_time: Some(timestamp(tenant.updated_at)),
        ..Default::default()
    }
}

/// A client registration; never its secret.
pub(super) fn registration(registration: &ClientRegistration) -> v1::ClientRegistration {
    let state = match registration.rejected {
        true => v1::ClientRegistrationState::Rejected,
        false => v1::ClientRegistrationState::Active,
    };
    v1::ClientRegistration {
        tenant_id: registration.tenant.to_string(),
        provider: registration.provider.to_string(),
        registration_id: registration.id.to_string(),
        client_id: registration.client_id.clone(),
        secrets: registration.secrets.iter().map(client_secret).collect(),
        redirect_uri: registration.redirect_uri.clone(),
        scopes: registration.scopes.clone(),
        public: registration.is_public(),
        return_to: registration.return_to.clone().into_iter().collect(),
        grant_window: registration.grant_window.map(grant_window::write),
        allow_device_authorization: registration.allow_device_authorization,
        state: state.into(),
        etag: etag_of(registration.version),
        create_time: Some(timestamp(registration.created_at)),
        update_time: Some(timestamp(registration.updated_at)),
        ..Default::default()
    }
}

/// What is known of a secret; never the secret.
fn client_secret(secret: &RegisteredSecret) -> v1::ClientSecret {
    v1::ClientSecret {
        secret_id: secret.id.to_string(),
        create_time: Some(timestamp(secret.created_at)),
        last_accepted_time: secret.last_accepted_at.map(timestamp),
    }
}

/// How an authorization stands; `late` if it is pending and can be completed no more.
pub(super) fn authorization(authorization: &Authorization, late: bool) -> v1::GetAuthorizationResponse {
    let (state, failure) = match &authorization.status {
        AuthorizationStatus::Pending if late => (v1::AuthorizationState::Expired, None),
        AuthorizationStatus::AwaitingCompletion if late => (v1::AuthorizationState::Expired, None),
        AuthorizationStatus::AwaitingCompletion => (v1::AuthorizationState::AwaitingCompletion, None),
        // While the code is being exchanged there is neither a grant nor a failure yet.
        AuthorizationStatus::Pending | AuthorizationStatus::Exchanging => {
            (v1::AuthorizationState::Pending, None)
        }
        AuthorizationStatus::Completed => (v1::AuthorizationState::Completed, None),
        AuthorizationStatus::Denied => (v1::AuthorizationState::Denied, None),
        AuthorizationStatus::Failed(name) => {
            (v1::AuthorizationState::Failed, Some(authorization_failure(name)))
        }
    };
    let completed = authorization.status == AuthorizationStatus::Completed;
    v1::GetAuthorizationResponse {
        authorization_id: authorization.id.to_string(),
        state: state.into(),
        failure: failure.unwrap_or_default().into(),
        grant_id: if completed { authorization.key.grant_id().to_string() } else { String::new() },
        key: Some(grant_key(&authorization.key)),
        create_time: Some(timestamp(authorization.created_at)),
        expire_time: Some(timestamp(authorization.expires_at)),
    }
}

/// A device authorization that was started: the codes are for whoever asked, and for nobody else.
pub(super) fn device_started(started: &DeviceStarted) -> v1::StartDeviceAuthorizationResponse {
    let complete = started.verification_uri_complete.as_ref();
    v1::StartDeviceAuthorizationResponse {
        authorization_id: started.id.to_string(),
        user_code: started.user_code.expose().to_owned(),
        verification_uri: started.verification_uri.clone(),
        verification_uri_complete: complete.map(|link| link.expose().to_owned()).unwrap_or_default(),
        interval: Some(span(started.interval)),
        expire_time: Some(timestamp(started.expires_at)),
    }
}

fn authorization_failure(name: &str) -> v1::AuthorizationFailure {
    match name {
        "revoked" => return v1::AuthorizationFailure::Revoked,
        "account_changed" => return v1::AuthorizationFailure::AccountChanged,
        "duplicate_token" => return v1::AuthorizationFailure::DuplicateToken,
        _ => {}
    }
    match FailureKind::from_name(name) {
        Some(FailureKind::ClientRejected | FailureKind::UnlabelledRefusal) => {
            v1::AuthorizationFailure::ClientRejected
        }
        Some(
            FailureKind::DeadToken | FailureKind::Refused | FailureKind::Throttled | FailureKind::Unreachable,
        ) => v1::AuthorizationFailure::ProviderRefused,
        Some(FailureKind::Uncertain | FailureKind::Internal) | None => {
            v1::AuthorizationFailure::OutcomeUnknown
        }
    }
}
