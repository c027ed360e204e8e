//! Grants: list, get, refresh.

use broker_core::ports::GrantFilter;
use broker_core::{AuditRecord, BrokerError, ConsentCause, Lifecycle, ProviderName, RegistrationId, UserId};
use broker_proto::v1::{
    GetGrantRequest, GetGrantResponse, GrantState, ListGrantsRequest, ListGrantsResponse,
    RefreshGrantRequest, RefreshGrantResponse,
};
use tonic::{Request, Status};

use super::page::Page;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::request::{Fields, grant_key};
use crate::grpc::{deadline, message, page_token};

pub(in crate::grpc) async fn list(
    api: &AdminApi,
    request: Request<ListGrantsRequest>,
) -> Result<ListGrantsResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let (filter, page) = read_filter(request.get_ref()).map_err(api.told())?;
    call.admit_at(&filter.tenant, filter.provider.as_ref()).map_err(api.told())?;
    let mut grants = api.broker.list_grants(&filter).await.map_err(api.told())?;
    let next_page_token = page.cut(&mut grants, |last| page_token::write(&last.key));
    Ok(ListGrantsResponse { next_page_token, grants: grants.iter().map(message::grant).collect() })
}

pub(in crate::grpc) async fn get(
    api: &AdminApi,
    request: Request<GetGrantRequest>,
) -> Result<GetGrantResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let key = grant_key(request.into_inner().key).map_err(api.told())?;
    call.admit_to(&key).map_err(api.told())?;
    let grant = api.broker.grant(&key).await.map_err(api.told())?;
    let sharers = api.broker.account_sharers(&grant).await.map_err(api.told())?;
    Ok(GetGrantResponse { grant: Some(message::shared_grant(&grant, sharers)) })
}

pub(in crate::grpc) async fn refresh(
    api: &AdminApi,
    request: Request<RefreshGrantRequest>,
) -> Result<RefreshGrantResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let wait = deadline::wait(request.metadata());
    let key = grant_key(request.into_inner().key).map_err(api.told())?;
    call.admit_to(&key).map_err(api.told())?;
    let refreshed = api.broker.refresh_grant(&key, wait).await;
    let grant = refreshed.map_err(|error| api.statuses.about(&error, Some(&key)))?;
    let record = call.actor().did(Some(&key.tenant), api.audit.recorder.now()).about(&key);
    let record = AuditRecord { generation: Some(grant.generation), ..record };
    api.audit.write(&record).await.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %key.tenant, provider = %key.provider, grant = %grant.id,
        generation = grant.generation.get(), "grant refreshed"
    );
    Ok(RefreshGrantResponse { grant: Some(message::grant(&grant)) })
}

fn read_filter(message: &ListGrantsRequest) -> Result<(GrantFilter, Page), BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let provider = fields.optional_name("provider", &message.provider, ProviderName::new);
    let user = fields.optional_name("user_id", &message.user_id, UserId::new);
    let registration = fields.optional_name("registration_id", &message.registration_id, RegistrationId::new);
    let page = Page::read(&mut fields, message.page_size);
    let limit = page.to_read();
    if message.states().any(|state| state == GrantState::Unspecified) {
        fields.violation("states", "must name states of the contract");
    }
    let mut lifecycles: Vec<_> = message.states().filter_map(lifecycle).collect();
    if lifecycles.is_empty() {
        lifecycles = all_but_revoked();
    }
    let after = page_token::read(&message.page_token)?;
    let filter =
        tenant.map(|tenant| GrantFilter { tenant, provider, user, registration, lifecycles, after, limit });
    fields.finish(filter.map(|filter| (filter, page)))
}

fn all_but_revoked() -> Vec<Lifecycle> {
    let states =
        [GrantState::Active, GrantState::NeedsConsent, GrantState::ConsentExpired, GrantState::Revoking];
    states.into_iter().filter_map(lifecycle).collect()
}

/// The lifecycle a filter names; the cause of NEEDS_CONSENT is not compared.
pub(super) fn lifecycle(state: GrantState) -> Option<Lifecycle> {
    match state {
        GrantState::Active => Some(Lifecycle::Active),
        GrantState::NeedsConsent => Some(Lifecycle::NeedsConsent(ConsentCause::Revoked)),
        GrantState::ConsentExpired => Some(Lifecycle::ConsentExpired),
        GrantState::Revoking => Some(Lifecycle::Revoking),
        GrantState::Revoked => Some(Lifecycle::Revoked),
        GrantState::Unspecified => None,
    }
}
