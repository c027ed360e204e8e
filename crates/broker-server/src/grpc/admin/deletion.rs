//! Deleting a tenant.

use broker_core::Tenant;
use broker_core::ports::Deletion;
use broker_proto::v1::{self, DeleteTenantRequest, DeleteTenantResponse, TenantState};
use tonic::{Request, Response, Status};

use super::etag;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::message;
use crate::grpc::request::Fields;

impl AdminApi {
    pub(in crate::grpc) async fn delete(
        &self,
        request: Request<DeleteTenantRequest>,
    ) -> Result<Response<DeleteTenantResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = fields.tenant(&message.tenant_id);
        let id = fields.finish(id).map_err(|error| self.statuses.of(&error))?;
        call.admit_at(&id, None).map_err(|error| self.statuses.of(&error))?;
        let expected = etag::read(&message.etag);
        let (tenant, deletion) = self
            .broker
            .delete_tenant(&id, expected, call.actor())
            .await
            .map_err(|error| self.statuses.of(&error))?;
        tracing::info!(principal = %call.principal(), tenant = %id, grants_left = deletion.grants_left, "tenant deletion");
        Ok(Response::new(DeleteTenantResponse { tenant: Some(deleted(&tenant, &deletion)) }))
    }
}

/// A tenant as its deletion has it.
pub(super) fn deleted(tenant: &Tenant, deletion: &Deletion) -> v1::Tenant {
    let state = match deletion.destroyed_at {
        Some(_) => TenantState::Deleted,
        None => TenantState::Deleting,
    };
    v1::Tenant {
        state: state.into(),
        pending_revocation_count: i64::try_from(deletion.grants_left).unwrap_or(i64::MAX),
        update_time: Some(message::timestamp(deletion.destroyed_at.unwrap_or(deletion.began_at))),
        ..message::tenant(tenant)
    }
}
