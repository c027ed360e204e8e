//! Keys: listed, rotated, retired.

use broker_core::{
    Asked, BrokerError, FieldViolation, KeyCursor, KeyInfo, KeyKind, KeyLife, KeyQuery, KeyRotation,
    KeyRotationId, KeyRotationState, Permit, RequestId, TenantId,
};
use broker_proto::v1::rotate_keys_request::Scope;
use broker_proto::v1::{
    self, GetKeyRotationRequest, GetKeyRotationResponse, ListKeyRotationsRequest, ListKeyRotationsResponse,
    ListKeysRequest, ListKeysResponse, RetireKeyRequest, RetireKeyResponse, RotateKeysRequest,
    RotateKeysResponse,
};
use tonic::{Request, Status};

use super::page::Page;
use super::scheduler::count;
use crate::grpc::access::Call;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::message::timestamp;
use crate::grpc::page_token;
use crate::grpc::request::Fields;

pub(in crate::grpc) async fn list(
    api: &AdminApi,
    request: Request<ListKeysRequest>,
) -> Result<ListKeysResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let query = read_query(request.get_ref()).map_err(api.told())?;
    admit(&call, query.tenant.as_ref()).map_err(api.told())?;
    let list = api.broker.list_keys(&query).await.map_err(api.told())?;
    Ok(ListKeysResponse {
        keys: list.keys.iter().map(key).collect(),
        next_page_token: list.next.as_ref().map(write_cursor).unwrap_or_default(),
    })
}

pub(in crate::grpc) async fn rotate(
    api: &AdminApi,
    request: Request<RotateKeysRequest>,
) -> Result<RotateKeysResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.get_ref();
    let Wish { kind, tenant, request_id } = read_rotation(message).map_err(api.told())?;
    admit(&call, tenant.as_ref()).map_err(api.told())?;
    if message.dry_run {
        let planned = api.broker.plan_key_rotation(kind, tenant).await.map_err(api.told())?;
        let planned = v1::KeyRotation { rotation_id: String::new(), ..rotation(&planned) };
        return Ok(RotateKeysResponse { key_rotation: Some(planned) });
    }
    let rotated = api.broker.rotate_keys(kind, tenant, request_id, call.actor()).await;
    let started = rotated.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), rotation = %started.id, kind = kind.as_str(), "keys are rotated"
    );
    Ok(RotateKeysResponse { key_rotation: Some(rotation(&started)) })
}

/// Leave to do this about the keys of a tenant, or of every tenant.
fn admit(call: &Call<'_>, tenant: Option<&TenantId>) -> Result<Permit, BrokerError> {
    call.admit(tenant.map_or(Asked::All, Asked::One), Asked::All)
}

pub(in crate::grpc) async fn get_rotation(
    api: &AdminApi,
    request: Request<GetKeyRotationRequest>,
) -> Result<GetKeyRotationResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let (id, tenant) = read_get(request.get_ref()).map_err(api.told())?;
    admit(&call, tenant.as_ref()).map_err(api.told())?;
    let found = match &tenant {
        Some(tenant) => api.broker.key_rotation_of(tenant, id).await,
        None => api.broker.key_rotation(id).await,
    };
    Ok(GetKeyRotationResponse { key_rotation: Some(rotation(&found.map_err(api.told())?)) })
}

pub(in crate::grpc) async fn list_rotations(
    api: &AdminApi,
    request: Request<ListKeyRotationsRequest>,
) -> Result<ListKeyRotationsResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let (page, before) = read_rotations(request.get_ref()).map_err(api.told())?;
    admit(&call, None).map_err(api.told())?;
    let mut rotations = api.broker.key_rotations(before, page.to_read()).await.map_err(api.told())?;
    let next_page_token = page.cut(&mut rotations, |last| page_token::of([last.id.to_string().as_str()]));
    Ok(ListKeyRotationsResponse { next_page_token, key_rotations: rotations.iter().map(rotation).collect() })
}

pub(in crate::grpc) async fn retire(
    api: &AdminApi,
    request: Request<RetireKeyRequest>,
) -> Result<RetireKeyResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let id = request.get_ref().key_id.as_str();
    if id.is_empty() {
        return Err(api.told()(invalid("key_id", "must be set")));
    }
    admit(&call, None).map_err(api.told())?;
    let retired = api.broker.retire_key(id, call.actor()).await.map_err(api.told())?;
    tracing::info!(principal = %call.principal(), key = retired.id, "key retired");
    Ok(RetireKeyResponse { key: Some(key(&retired)) })
}

fn invalid(field: &str, problem: &str) -> BrokerError {
    BrokerError::InvalidRequest(vec![FieldViolation::new(field, problem)])
}

fn read_query(request: &ListKeysRequest) -> Result<KeyQuery, BrokerError> {
    let mut fields = Fields::default();
    let tenant = match request.tenant_id.as_str() {
        "*" => Some(None),
        tenant => fields.tenant(tenant).map(Some),
    };
    let kind = match v1::KeyKind::try_from(request.kind) {
        Ok(v1::KeyKind::Unspecified) => None,
        Ok(v1::KeyKind::Kek) => Some(KeyKind::Kek),
        Ok(v1::KeyKind::Dek) => Some(KeyKind::Dek),
        Err(_) => {
            fields.violation("kind", "must be a kind of the contract");
            None
        }
    };
    let page = Page::read(&mut fields, request.page_size);
    let after = read_cursor(&request.page_token)?;
    fields.finish(tenant.map(|tenant| KeyQuery { tenant, kind, after, limit: page.size() }))
}

/// Which keys are to be rotated, and whose.
#[derive(Debug)]
struct Wish {
    kind: KeyKind,
    /// `None` for every tenant.
    tenant: Option<TenantId>,
    request_id: Option<RequestId>,
}

fn read_rotation(request: &RotateKeysRequest) -> Result<Wish, BrokerError> {
    let mut fields = Fields::default();
    let tenant = match &request.scope {
        Some(Scope::TenantId(tenant)) => fields.tenant(tenant).map(Some),
        Some(Scope::All(true)) => Some(None),
        Some(Scope::All(false)) => {
            fields.violation("all", "must be true, or left out for a tenant_id");
            None
        }
        None => {
            fields.violation("scope", "must be a tenant_id or all");
            None
        }
    };
    let kind = match v1::KeyKind::try_from(request.kind) {
        Ok(v1::KeyKind::Kek) => Some(KeyKind::Kek),
        Ok(v1::KeyKind::Dek) => Some(KeyKind::Dek),
        Ok(v1::KeyKind::Unspecified) | Err(_) => {
            fields.violation("kind", "must be KEY_KIND_KEK or KEY_KIND_DEK");
            None
        }
    };
    let request_id = fields.request_id(&request.request_id);
    let wish = kind.zip(tenant).map(|(kind, tenant)| Wish { kind, tenant, request_id });
    fields.finish(wish)
}

/// Without a tenant it is any rotation, and takes leave for every tenant.
fn read_get(request: &GetKeyRotationRequest) -> Result<(KeyRotationId, Option<TenantId>), BrokerError> {
    let mut fields = Fields::default();
    let id = KeyRotationId::parse(&request.rotation_id);
    if id.is_none() {
        fields.violation("rotation_id", "must be the UUID of a key rotation");
    }
    let tenant = match request.tenant_id.as_str() {
        "" => Some(None),
        tenant => fields.tenant(tenant).map(Some),
    };
    fields.finish(id.zip(tenant))
}

fn read_rotations(request: &ListKeyRotationsRequest) -> Result<(Page, Option<KeyRotationId>), BrokerError> {
    let mut fields = Fields::default();
    let page = Page::read(&mut fields, request.page_size);
    let before = page_token::parts(&request.page_token)?
        .map(|[id]| KeyRotationId::parse(&id).ok_or_else(page_token::foreign))
        .transpose()?;
    fields.finish(Some((page, before)))
}

fn write_cursor(cursor: &KeyCursor) -> String {
    match cursor {
        KeyCursor::Kek(id) => page_token::of(["", id]),
        KeyCursor::Dek(tenant, number) => page_token::of([tenant.as_str(), &number.to_string()]),
    }
}

fn read_cursor(token: &str) -> Result<Option<KeyCursor>, BrokerError> {
    let Some([tenant, key]) = page_token::parts(token)? else { return Ok(None) };
    if tenant.is_empty() {
        return Ok(Some(KeyCursor::Kek(key)));
    }
    let read = TenantId::new(tenant).ok().zip(key.parse().ok());
    read.map(|(tenant, number)| Some(KeyCursor::Dek(tenant, number))).ok_or_else(page_token::foreign)
}

fn key(key: &KeyInfo) -> v1::Key {
    v1::Key {
        key_id: key.id.clone(),
        kind: kind(key.kind).into(),
        tenant_id: key.tenant.as_ref().map(|tenant| tenant.as_str().to_owned()).unwrap_or_default(),
        state: match key.life {
            KeyLife::Primary => v1::KeyState::Primary,
            KeyLife::Opening => v1::KeyState::Opening,
            KeyLife::Retired => v1::KeyState::Retired,
        }
        .into(),
        wrapping_key_id: key.wrapping_key.as_ref().map(|kek| kek.as_str().to_owned()).unwrap_or_default(),
        use_count: count(key.use_count),
        create_time: key.created_at.map(timestamp),
        retire_time: key.retired_at.map(timestamp),
        encryption_count: count(key.encryption_count),
    }
}

fn rotation(rotation: &KeyRotation) -> v1::KeyRotation {
    v1::KeyRotation {
        rotation_id: rotation.id.to_string(),
        kind: kind(rotation.kind).into(),
        tenant_id: rotation.tenant.as_ref().map(|tenant| tenant.as_str().to_owned()).unwrap_or_default(),
        state: match rotation.state {
            KeyRotationState::Running => v1::KeyRotationState::Running,
            KeyRotationState::Succeeded => v1::KeyRotationState::Succeeded,
            KeyRotationState::Failed => v1::KeyRotationState::Failed,
        }
        .into(),
        done_count: count(rotation.done),
        remaining_count: count(rotation.remaining),
        failed_count: count(rotation.failed),
        create_time: Some(timestamp(rotation.created_at)),
        end_time: rotation.ended_at.map(timestamp),
    }
}

fn kind(kind: KeyKind) -> v1::KeyKind {
    match kind {
        KeyKind::Kek => v1::KeyKind::Kek,
        KeyKind::Dek => v1::KeyKind::Dek,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let tenant = TenantId::new("acme").unwrap();
        for cursor in [KeyCursor::Kek("kek-1".into()), KeyCursor::Dek(tenant, 7)] {
            assert_eq!(read_cursor(&write_cursor(&cursor)).unwrap(), Some(cursor));
        }
        assert!(read_cursor(&page_token::of(["UPPER", "1"])).is_err());
    }

    #[test]
    fn every_bad_field_of_a_rotation_is_named_at_once() {
        let request = RotateKeysRequest { scope: Some(Scope::All(false)), ..Default::default() };
        let BrokerError::InvalidRequest(violations) = read_rotation(&request).unwrap_err() else {
            panic!("not refused")
        };
        let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["all", "kind"]);
    }
}
