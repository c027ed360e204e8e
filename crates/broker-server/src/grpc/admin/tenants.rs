//! Tenants.

use broker_core::ports::Deletion;
use broker_core::{Asked, BrokerError, Tenant, TenantId};
use broker_proto::v1::{
    self, CreateTenantRequest, CreateTenantResponse, GetTenantRequest, GetTenantResponse, ListTenantsRequest,
    ListTenantsResponse, TenantState, UpdateTenantRequest, UpdateTenantResponse,
};
use tonic::{Request, Status};

use super::deletion::deleted;
use super::etag;
use super::mask::Mask;
use super::page::Page;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::request::Fields;
use crate::grpc::{message, page_token};

pub(in crate::grpc) async fn create(
    api: &AdminApi,
    request: Request<CreateTenantRequest>,
) -> Result<CreateTenantResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let mut fields = Fields::default();
    let id = fields.tenant(&message.tenant_id);
    fields.at_most("display_name", &message.display_name, 256);
    let request = fields.request_id(&message.request_id);
    let id = fields.finish(id).map_err(api.told())?;
    call.admit_at(&id, None).map_err(api.told())?;
    let tenant = api
        .broker
        .create_tenant(id, message.display_name, request, call.actor())
        .await
        .map_err(api.told())?;
    tracing::info!(principal = %call.principal(), tenant = %tenant.id, "tenant created");
    Ok(CreateTenantResponse { tenant: Some(message::tenant(&tenant)) })
}

pub(in crate::grpc) async fn get(
    api: &AdminApi,
    request: Request<GetTenantRequest>,
) -> Result<GetTenantResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let mut fields = Fields::default();
    let id = fields.tenant(&request.get_ref().tenant_id);
    let id = fields.finish(id).map_err(api.told())?;
    call.admit_at(&id, None).map_err(api.told())?;
    let tenant = api.broker.tenant(&id).await.map_err(api.told())?;
    let deletion = api.broker.deletion(&id).await.map_err(api.told())?;
    Ok(GetTenantResponse { tenant: Some(as_it_stands(&tenant, deletion.as_ref())) })
}

pub(in crate::grpc) async fn list(
    api: &AdminApi,
    request: Request<ListTenantsRequest>,
) -> Result<ListTenantsResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.get_ref();
    let (page, after) = read_list(message).map_err(api.told())?;
    call.admit(Asked::All, Asked::All).map_err(api.told())?;
    let mut tenants = api.broker.list_tenants(after.as_ref(), page.to_read()).await.map_err(api.told())?;
    let next_page_token = page.cut(&mut tenants, |last| page_token::of([last.id.as_str()]));
    let deletions = api.broker.deletions_of(&tenants).await.map_err(api.told())?;
    let stands = |tenant: &Tenant| as_it_stands(tenant, deletions.get(&tenant.id));
    let mut tenants: Vec<_> = tenants.iter().map(stands).collect();
    // A page may be shorter than asked for, but for the last one.
    tenants.retain(|tenant| is_wanted(message, tenant.state()));
    Ok(ListTenantsResponse { tenants, next_page_token })
}

/// No state named means any but the last.
fn is_wanted(message: &ListTenantsRequest, state: TenantState) -> bool {
    match message.states.is_empty() {
        true => state != TenantState::Deleted,
        false => message.states().any(|wanted| wanted == state),
    }
}

fn as_it_stands(tenant: &Tenant, deletion: Option<&Deletion>) -> v1::Tenant {
    deletion.map_or_else(|| message::tenant(tenant), |deletion| deleted(tenant, deletion))
}

pub(in crate::grpc) async fn update(
    api: &AdminApi,
    request: Request<UpdateTenantRequest>,
) -> Result<UpdateTenantResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let mut fields = Fields::default();
    let id = fields.tenant(&message.tenant_id);
    Mask::read(&mut fields, message.update_mask, &["display_name"]);
    fields.at_most("display_name", &message.display_name, 256);
    let id = fields.finish(id).map_err(api.told())?;
    call.admit_at(&id, None).map_err(api.told())?;
    let expected = etag::read(&message.etag);
    let tenant = api
        .broker
        .update_tenant(id, message.display_name, expected, call.actor())
        .await
        .map_err(api.told())?;
    tracing::info!(principal = %call.principal(), tenant = %tenant.id, "tenant updated");
    Ok(UpdateTenantResponse { tenant: Some(message::tenant(&tenant)) })
}

fn read_list(message: &ListTenantsRequest) -> Result<(Page, Option<TenantId>), BrokerError> {
    let mut fields = Fields::default();
    let page = Page::read(&mut fields, message.page_size);
    if message.states().any(|state| state == TenantState::Unspecified) {
        fields.violation("states", "must name states of the contract");
    }
    let after = page_token::parts(&message.page_token)?
        .map(|[id]| TenantId::new(id).map_err(|_| page_token::foreign()))
        .transpose()?;
    fields.finish(Some((page, after)))
}
