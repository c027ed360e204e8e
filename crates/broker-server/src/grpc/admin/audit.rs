//! The audit log: listed and verified.

use broker_core::ports::{AuditFilter, AuditPrincipal};
use broker_core::{
    Asked, AuditDefect, AuditOutcome, AuditRange, AuditVerdict, BrokenRecord, BrokerError, ChainedRecord,
    Permit, Principal, ProviderName, TenantId, Timestamp, UserId,
};
use broker_proto::v1::{
    self, ListAuditEventsRequest, ListAuditEventsResponse, VerifyAuditLogRequest, VerifyAuditLogResponse,
};
use tonic::{Request, Status};

use super::page::Page;
use crate::grpc::access::Call;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::message::timestamp;
use crate::grpc::page_token;
use crate::grpc::request::Fields;

/// How the broker itself is called in records.
const BROKER: &str = "broker";

/// Length of a hash, in bytes.
const HASH: usize = 32;

pub(in crate::grpc) async fn list(
    api: &AdminApi,
    request: Request<ListAuditEventsRequest>,
) -> Result<ListAuditEventsResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let (tenant, mut filter, page) = read_filter(request.get_ref()).map_err(api.told())?;
    admit(&call, tenant.as_ref(), filter.provider.as_ref()).map_err(api.told())?;
    filter.limit = page.to_read();
    if filter.before.is_none() {
        api.audit.recorder.flush().await.map_err(api.told())?;
    }
    let mut records = api.audit.sealer.list(&filter).await.map_err(api.told())?;
    let next_page_token = page.cut(&mut records, |last| page_token::of([&last.sequence.to_string()]));
    Ok(ListAuditEventsResponse { audit_events: records.iter().map(event).collect(), next_page_token })
}

pub(in crate::grpc) async fn verify(
    api: &AdminApi,
    request: Request<VerifyAuditLogRequest>,
) -> Result<VerifyAuditLogResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let (tenant, range) = read_range(request.into_inner()).map_err(api.told())?;
    admit(&call, tenant.as_ref(), None).map_err(api.told())?;
    api.audit.recorder.flush().await.map_err(api.told())?;
    let verdict = api.audit.sealer.verify(&range).await.map_err(api.told())?;
    Ok(told(verdict))
}

/// The log of the installation tells of every tenant.
fn admit(
    call: &Call<'_>,
    tenant: Option<&TenantId>,
    provider: Option<&ProviderName>,
) -> Result<Permit, BrokerError> {
    call.admit(tenant.map_or(Asked::All, Asked::One), provider.map_or(Asked::All, Asked::One))
}

fn read_filter(
    message: &ListAuditEventsRequest,
) -> Result<(Option<TenantId>, AuditFilter, Page), BrokerError> {
    let mut fields = Fields::default();
    let page = Page::read(&mut fields, message.page_size);
    let tenant = fields.optional_name("tenant_id", &message.tenant_id, TenantId::new);
    let provider = fields.optional_name("provider", &message.provider, ProviderName::new);
    let user = fields.optional_name("user_id", &message.user_id, UserId::new);
    let principal = read_principal(&mut fields, &message.principal);
    let outcomes = read_outcomes(&mut fields, message);
    let from = read_time(&mut fields, "start_time", message.start_time);
    let until = read_time(&mut fields, "end_time", message.end_time);
    let before = page_token::parts(&message.page_token)?
        .map(|[sequence]| sequence.parse().map_err(|_| page_token::foreign()))
        .transpose()?;
    let chain = message.tenant_id.clone();
    let filter = AuditFilter { chain, provider, user, principal, outcomes, from, until, before, limit: 0 };
    fields.finish(Some((tenant, filter, page)))
}

fn read_principal(fields: &mut Fields, name: &str) -> Option<AuditPrincipal> {
    match name {
        "" => None,
        BROKER => Some(AuditPrincipal::Broker),
        name => {
            let principal = Principal::new(name);
            if principal.is_none() {
                fields.violation("principal", "must be at most 512 bytes without control characters");
            }
            principal.map(AuditPrincipal::Caller)
        }
    }
}

fn read_outcomes(fields: &mut Fields, message: &ListAuditEventsRequest) -> Vec<AuditOutcome> {
    let named = message.outcomes.iter().map(|outcome| match v1::AuditOutcome::try_from(*outcome).ok()? {
        v1::AuditOutcome::Unspecified => None,
        v1::AuditOutcome::Succeeded => Some(AuditOutcome::Succeeded),
        v1::AuditOutcome::Denied => Some(AuditOutcome::Denied(String::new())),
        v1::AuditOutcome::Failed => Some(AuditOutcome::Failed(String::new())),
    });
    let named: Option<Vec<_>> = named.collect();
    if named.is_none() {
        fields.violation("outcomes", "must name outcomes of the contract");
    }
    named.unwrap_or_default()
}

fn read_time(fields: &mut Fields, field: &str, time: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    let time = time?;
    let micros = i64::from(time.nanos) / 1000;
    let at = time.seconds.checked_mul(1_000_000).and_then(|seconds| seconds.checked_add(micros));
    if at.is_none() || !(0..1_000_000_000).contains(&time.nanos) {
        fields.violation(field, "must be a time between the years 1 and 9999");
    }
    at.map(Timestamp::from_unix_micros)
}

fn read_range(message: VerifyAuditLogRequest) -> Result<(Option<TenantId>, AuditRange), BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.optional_name("tenant_id", &message.tenant_id, TenantId::new);
    let VerifyAuditLogRequest { from_sequence: from, to_sequence: to, .. } = message;
    if to != 0 && to < from {
        fields.violation("to_sequence", "must not be less than from_sequence");
    }
    match (message.known_sequence, message.known_hash.len()) {
        (0, 0) | (1.., HASH) => {}
        (0, _) => fields.violation("known_sequence", "must be set with known_hash"),
        (_, _) => fields.violation("known_hash", "must be 32 bytes long, with known_sequence"),
    }
    let known = (message.known_sequence > 0).then_some((message.known_sequence, message.known_hash));
    let range = AuditRange { chain: message.tenant_id, from, to, known };
    fields.finish(Some((tenant, range)))
}

fn event(kept: &ChainedRecord) -> v1::AuditEvent {
    let record = kept.record.clone();
    let outcome = match record.outcome.as_str() {
        "succeeded" => v1::AuditOutcome::Succeeded,
        "denied" => v1::AuditOutcome::Denied,
        "failed" => v1::AuditOutcome::Failed,
        // Somebody has written it there, and VerifyAuditLog says so.
        _ => v1::AuditOutcome::Unspecified,
    };
    let provider = record.provider.unwrap_or_default();
    let key = record.user.map(|user_id| v1::GrantKey {
        tenant_id: record.tenant.clone(),
        provider: provider.clone(),
        user_id,
        account: record.account.unwrap_or_default(),
    });
    v1::AuditEvent {
        sequence: kept.sequence,
        time: Some(timestamp(Timestamp::from_unix_micros(record.at))),
        tenant_id: record.tenant,
        principal: record.principal.unwrap_or_else(|| BROKER.to_owned()),
        action: record.action,
        key,
        generation: record.generation.map(i64::cast_unsigned).unwrap_or_default(),
        outcome: outcome.into(),
        reason: record.reason,
        purpose: record.purpose,
        previous_hash: kept.previous_hash.clone(),
        hash: kept.hash.clone(),
        provider,
        resource: record.resource,
        token_fingerprint: record.fingerprint.unwrap_or_default(),
    }
}

fn told(verdict: AuditVerdict) -> VerifyAuditLogResponse {
    VerifyAuditLogResponse {
        verified_count: verdict.verified,
        first_broken: verdict.broken.map(broken),
        head_hash: verdict.hash,
        head_sequence: verdict.sequence,
        last_sequence: verdict.end,
    }
}

fn broken(broken: BrokenRecord) -> v1::BrokenAuditRecord {
    let defect = match broken.defect {
        AuditDefect::Altered => v1::AuditDefect::Altered,
        AuditDefect::Missing => v1::AuditDefect::Missing,
        AuditDefect::Unchained => v1::AuditDefect::Unchained,
        AuditDefect::Head => v1::AuditDefect::Head,
        AuditDefect::Checkpoint => v1::AuditDefect::Checkpoint,
    };
    v1::BrokenAuditRecord { sequence: broken.sequence, defect: defect.into(), tenant_id: broken.chain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_known_from_elsewhere_comes_with_its_place() {
        let read = |known_sequence, known_hash| {
            read_range(VerifyAuditLogRequest { known_sequence, known_hash, ..Default::default() })
        };
        assert_eq!(read(0, vec![]).unwrap().1.known, None);
        assert!(read(3, vec![7; 32]).unwrap().1.known.is_some());
        for (sequence, hash) in [(0, vec![7; 32]), (3, vec![]), (3, vec![7; 31])] {
            assert!(read(sequence, hash).is_err());
        }
    }

    #[test]
    fn an_outcome_that_is_not_known_is_no_filter_left_out() {
        let read = |outcomes| read_filter(&ListAuditEventsRequest { outcomes, ..Default::default() });
        assert_eq!(read(vec![2, 3]).unwrap().1.outcomes.len(), 2);
        assert!(read(vec![0]).is_err() && read(vec![99]).is_err());
    }
}
