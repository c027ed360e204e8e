//! How the refreshing fares, and pausing it.

use std::time::Duration;

use broker_core::ports::{PauseTarget, RefreshPause, ReplicaStanding};
use broker_core::{Asked, Barred, BrokerError, Permit, RefreshStatus};
use broker_proto::v1::{
    self, ClaimingHold, GetSchedulerStatusRequest, GetSchedulerStatusResponse, PauseRefreshRequest,
    PauseRefreshResponse, ResumeRefreshRequest, ResumeRefreshResponse, SchedulerStatus,
    pause_refresh_request, refresh_pause, resume_refresh_request,
};
use tonic::{Request, Status};

use crate::grpc::access::Call;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::message::{span, timestamp};
use crate::grpc::request::Fields;

const LONGEST_PAUSE: Duration = Duration::from_secs(7 * 24 * 3600);
const LONGEST_NOTE: usize = 256;

pub(in crate::grpc) async fn status(
    api: &AdminApi,
    request: Request<GetSchedulerStatusRequest>,
) -> Result<GetSchedulerStatusResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    call.admit(Asked::All, Asked::All).map_err(api.told())?;
    let status = api.broker.refresh_status().await.map_err(api.told())?;
    Ok(GetSchedulerStatusResponse { status: Some(status_message(&status)) })
}

pub(in crate::grpc) async fn pause(
    api: &AdminApi,
    request: Request<PauseRefreshRequest>,
) -> Result<PauseRefreshResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let (target, ttl) = read_pause(&message).map_err(api.told())?;
    admit(&call, &target).map_err(api.told())?;
    let principal = call.principal().clone();
    let paused = api.broker.pause_refresh(target, ttl, message.note, principal, call.actor()).await;
    let pause = paused.map_err(api.told())?;
    tracing::warn!(
        principal = %pause.principal, paused = %pause.target, seconds = ttl.as_secs(), note = pause.note,
        "refreshing paused"
    );
    Ok(PauseRefreshResponse { pause: Some(pause_message(&pause)) })
}

pub(in crate::grpc) async fn resume(
    api: &AdminApi,
    request: Request<ResumeRefreshRequest>,
) -> Result<ResumeRefreshResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let mut fields = Fields::default();
    let target = match request.into_inner().target {
        Some(resume_refresh_request::Target::TenantId(id)) => tenant(&mut fields, &id),
        Some(resume_refresh_request::Target::Provider(name)) => provider(&mut fields, &name),
        None => no_target(&mut fields),
    };
    let target = fields.finish(target).map_err(api.told())?;
    admit(&call, &target).map_err(api.told())?;
    let was_paused = api.broker.resume_refresh(&target, call.actor()).await.map_err(api.told())?;
    tracing::info!(principal = %call.principal(), resumed = %target, was_paused, "refreshing resumed");
    Ok(ResumeRefreshResponse { was_paused })
}

/// Leave to pause or resume a whole tenant, or a provider for every tenant.
fn admit(call: &Call<'_>, target: &PauseTarget) -> Result<Permit, BrokerError> {
    match target {
        PauseTarget::Tenant(tenant) => call.admit(Asked::One(tenant), Asked::All),
        PauseTarget::Provider(provider) => call.admit(Asked::All, Asked::One(provider)),
    }
}

fn read_pause(message: &PauseRefreshRequest) -> Result<(PauseTarget, Duration), BrokerError> {
    let mut fields = Fields::default();
    let target = match &message.target {
        Some(pause_refresh_request::Target::TenantId(id)) => tenant(&mut fields, id),
        Some(pause_refresh_request::Target::Provider(name)) => provider(&mut fields, name),
        None => no_target(&mut fields),
    };
    let ttl = fields.duration("ttl", message.ttl, Duration::ZERO, LONGEST_PAUSE);
    if ttl == Some(Duration::ZERO) {
        fields.violation("ttl", "must be set, and longer than nothing");
    }
    fields.at_most("note", &message.note, LONGEST_NOTE);
    fields.finish(target.zip(ttl))
}

fn tenant(fields: &mut Fields, id: &str) -> Option<PauseTarget> {
    fields.tenant(id).map(PauseTarget::Tenant)
}

fn provider(fields: &mut Fields, name: &str) -> Option<PauseTarget> {
    fields.provider(name).map(PauseTarget::Provider)
}

fn no_target(fields: &mut Fields) -> Option<PauseTarget> {
    fields.violation("target", "must be a tenant_id or a provider");
    None
}

fn status_message(status: &RefreshStatus) -> SchedulerStatus {
    let backlog = &status.backlog;
    let lag = backlog.due_since.map_or(Duration::ZERO, |since| status.at.since(since));
    SchedulerStatus {
        due_count: count(backlog.due),
        lag: Some(span(lag)),
        in_flight_count: backlog.in_flight.iter().map(|(_, open)| count(*open)).sum(),
        uncertain_count: count(backlog.uncertain),
        suspect_count: count(backlog.suspect),
        pauses: status.pauses.iter().map(pause_message).collect(),
        replicas: status.replicas.iter().map(replica).collect(),
        hold: hold(status).into(),
    }
}

/// A number of things, as the contract counts.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn hold(status: &RefreshStatus) -> ClaimingHold {
    match status.barred {
        Some(Barred::NotJoined | Barred::Unvouched | Barred::Replaying) => ClaimingHold::EpochChanged,
        Some(Barred::ForeignStore | Barred::NoJournal) => ClaimingHold::StoreNotAdopted,
        Some(Barred::ClockSkew) => ClaimingHold::ClockSkew,
        None if !status.escrow_writable => ClaimingHold::EscrowUnwritable,
        None => ClaimingHold::Unspecified,
    }
}

fn pause_message(pause: &RefreshPause) -> v1::RefreshPause {
    let target = match &pause.target {
        PauseTarget::Tenant(tenant) => refresh_pause::Target::TenantId(tenant.to_string()),
        PauseTarget::Provider(provider) => refresh_pause::Target::Provider(provider.to_string()),
    };
    v1::RefreshPause {
        target: Some(target),
        expire_time: Some(timestamp(pause.expires_at)),
        principal: pause.principal.to_string(),
        note: pause.note.clone(),
        create_time: Some(timestamp(pause.created_at)),
    }
}

fn replica(replica: &ReplicaStanding) -> v1::Replica {
    v1::Replica {
        incarnation: replica.incarnation.to_string(),
        escrow_id: replica.escrow.to_string(),
        heartbeat_time: Some(timestamp(replica.heartbeat_at)),
        drained_time: replica.drained_at.map(timestamp),
    }
}
