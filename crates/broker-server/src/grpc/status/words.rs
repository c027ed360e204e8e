//! Rows whose text depends on what is in the way.

use broker_core::{AuthorizationProblem, KeyUse, Quota, QuotaKind};
use broker_proto::v1::Reason;
use tonic::Code;

use super::row::Row;
use crate::grpc::message::rfc3339;

pub(super) fn key_in_use(needed: KeyUse) -> Row {
    let row = |message: String| Row::new(Code::FailedPrecondition, Reason::KeyInUse, message);
    match needed {
        KeyUse::Primary => {
            row("the key is primary: it seals or wraps what is new; make another primary first".to_owned())
        }
        KeyUse::InStore(count) => {
            row(format!("{count} values or keys in the store need the key; rotate the keys, then retire it"))
                .with("use_count", count.to_string())
        }
        KeyUse::InJournalsUntil(until) => row(format!(
            "journals of replicas may hold answers sealed under the key until {0}; retire it after that",
            rfc3339(until)
        ))
        .with("retirable_at", rfc3339(until)),
        KeyUse::InOwnJournal => row(
            "the journal of this replica holds an answer sealed under the key; try again once it is settled"
                .to_owned(),
        ),
    }
}

pub(super) fn quota_exceeded(quota: Quota) -> Row {
    let Quota { kind, limit } = quota;
    let (of, next, key) = match kind {
        QuotaKind::Grants => ("grants", "revoke those that are not needed", "max_grants"),
        QuotaKind::ClientRegistrations => {
            ("client registrations", "delete those that are not needed", "max_client_registrations")
        }
        QuotaKind::PendingAuthorizations => {
            ("pending authorizations", "wait until some are completed or late", "max_pending_authorizations")
        }
        QuotaKind::AccessPolicies => {
            ("access policies", "delete those that are not needed", "max_access_policies")
        }
        QuotaKind::Webhooks => ("webhooks", "delete those that are not needed", "max_webhooks"),
    };
    let message = format!(
        "the tenant has {limit} {of}, as many as it may have; {next}, or ask an operator to raise {key}"
    );
    Row::new(Code::ResourceExhausted, Reason::QuotaExceeded, message)
        .with("quota", kind.as_str())
        .with("limit", limit.to_string())
}

pub(super) fn explain(problem: AuthorizationProblem) -> &'static str {
    match problem {
        AuthorizationProblem::UnknownState => "the callback's state is not one this tenant was given",
        AuthorizationProblem::AlreadyUsed => "the callback's state was used before",
        AuthorizationProblem::Expired => "the callback came too late",
        AuthorizationProblem::WrongUser => "the authorization was started for another user",
        AuthorizationProblem::WrongRedirectUri => {
            "the callback came to another redirect URI than the one asked for"
        }
        AuthorizationProblem::Denied => "the user refused",
        AuthorizationProblem::ProviderError => {
            "the provider answered the authorization request with an error"
        }
        AuthorizationProblem::CodeRefused => "the provider refused the authorization code",
        AuthorizationProblem::Superseded => "the user completed a later authorization meanwhile",
        AuthorizationProblem::Revoked => "the grant was revoked meanwhile",
        AuthorizationProblem::AccountChanged => {
            "the user consented with another account at the provider than the one of the grant"
        }
        AuthorizationProblem::DuplicateToken => "the refresh token belongs to another grant",
        AuthorizationProblem::WrongIssuer => {
            "the callback names another issuer than the provider's, or none where it always does"
        }
        AuthorizationProblem::WrongReceiver => {
            "the callback goes to the broker's own page where that is the redirect URI, else to the product: hand over \
             `hosted_callback` for the one and `callback_url` for the other"
        }
        AuthorizationProblem::NotAnswered => "the user has not come back from the provider yet",
        AuthorizationProblem::WrongCompletionCode => {
            "the completion code is not the one this authorization's callback page gave"
        }
    }
}
