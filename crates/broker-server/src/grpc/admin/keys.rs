//! Keys: listed, rotated, retired.

use broker_core::{
    Broker, BrokerError, FieldViolation, KeyCursor, KeyInfo, KeyKind, KeyLife, KeyQuery, KeyRotation,
    KeyRotationId, KeyRotationState, Principal, TenantId,
};
use broker_proto::v1::rotate_keys_request::Scope;
use broker_proto::v1::{
    self, GetKeyRotationRequest, GetKeyRotationResponse, ListKeyRotationsRequest, ListKeyRotationsResponse,
    ListKeysRequest, ListKeysResponse, RetireKeyRequest, RetireKeyResponse, RotateKeysRequest,
    RotateKeysResponse,
};

use crate::grpc::message::timestamp;
use crate::grpc::request::Fields;

const DEFAULT_PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 1000;

pub(in crate::grpc) async fn list(
    broker: &Broker,
    request: ListKeysRequest,
) -> Result<ListKeysResponse, BrokerError> {
    let list = broker.list_keys(&read_query(&request)?).await?;
    Ok(ListKeysResponse {
        keys: list.keys.iter().map(key).collect(),
        next_page_token: list.next.as_ref().map(write_cursor).unwrap_or_default(),
    })
}

pub(in crate::grpc) async fn rotate(
    broker: &Broker,
    principal: &Principal,
    request: RotateKeysRequest,
) -> Result<RotateKeysResponse, BrokerError> {
    let dry_run = request.dry_run;
    let (kind, tenant) = read_rotation(&request)?;
    if dry_run {
        let mut planned = rotation(&broker.plan_key_rotation(kind, tenant).await?);
        planned.rotation_id.clear();
        return Ok(RotateKeysResponse { key_rotation: Some(planned) });
    }
    let started = broker.rotate_keys(kind, tenant).await?;
    tracing::info!(%principal, rotation = %started.id, kind = kind.as_str(), "keys are rotated");
    Ok(RotateKeysResponse { key_rotation: Some(rotation(&started)) })
}

pub(in crate::grpc) async fn get_rotation(
    broker: &Broker,
    request: GetKeyRotationRequest,
) -> Result<GetKeyRotationResponse, BrokerError> {
    let id = KeyRotationId::parse(&request.rotation_id)
        .ok_or_else(|| invalid("rotation_id", "must be the UUID of a key rotation"))?;
    Ok(GetKeyRotationResponse { key_rotation: Some(rotation(&broker.key_rotation(id).await?)) })
}

pub(in crate::grpc) async fn list_rotations(
    broker: &Broker,
    request: ListKeyRotationsRequest,
) -> Result<ListKeyRotationsResponse, BrokerError> {
    let mut fields = Fields::default();
    let limit = page_size(&mut fields, request.page_size);
    let before = match request.page_token.as_str() {
        "" => None,
        token => Some(KeyRotationId::parse(token).ok_or_else(|| invalid("page_token", STRANGE_TOKEN))?),
    };
    let limit = fields.finish(limit)?;
    // One more than asked for tells whether there is another page.
    let mut rotations = broker.key_rotations(before, limit + 1).await?;
    let more = rotations.len() > limit as usize;
    rotations.truncate(limit as usize);
    Ok(ListKeyRotationsResponse {
        next_page_token: rotations
            .last()
            .filter(|_| more)
            .map(|last| last.id.to_string())
            .unwrap_or_default(),
        key_rotations: rotations.iter().map(rotation).collect(),
    })
}

pub(in crate::grpc) async fn retire(
    broker: &Broker,
    principal: &Principal,
    request: RetireKeyRequest,
) -> Result<RetireKeyResponse, BrokerError> {
    if request.key_id.is_empty() {
        return Err(invalid("key_id", "must be set"));
    }
    let retired = broker.retire_key(&request.key_id).await?;
    tracing::info!(%principal, key = retired.id, "key retired");
    Ok(RetireKeyResponse { key: Some(key(&retired)) })
}

const STRANGE_TOKEN: &str = "is not a page token of this list; leave it empty to begin anew";

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
    let after = match request.page_token.as_str() {
        "" => None,
        token => {
            let read = read_cursor(token);
            if read.is_none() {
                fields.violation("page_token", STRANGE_TOKEN);
            }
            read
        }
    };
    let limit = page_size(&mut fields, request.page_size);
    let query = tenant.zip(limit).map(|(tenant, limit)| KeyQuery { tenant, kind, after, limit });
    fields.finish(query)
}

fn read_rotation(request: &RotateKeysRequest) -> Result<(KeyKind, Option<TenantId>), BrokerError> {
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
    fields.finish(kind.zip(tenant))
}

fn page_size(fields: &mut Fields, asked: i32) -> Option<u32> {
    match u32::try_from(asked) {
        Ok(0) => Some(DEFAULT_PAGE),
        Ok(size) => Some(size.min(LONGEST_PAGE)),
        Err(_) => {
            fields.violation("page_size", "must not be negative");
            None
        }
    }
}

fn write_cursor(cursor: &KeyCursor) -> String {
    match cursor {
        KeyCursor::Kek(id) => serde_json::json!([id]).to_string(),
        KeyCursor::Dek(tenant, number) => serde_json::json!([tenant.as_str(), number]).to_string(),
    }
}

fn read_cursor(token: &str) -> Option<KeyCursor> {
    if let Ok([id]) = serde_json::from_str::<[String; 1]>(token) {
        return Some(KeyCursor::Kek(id));
    }
    let (tenant, number) = serde_json::from_str::<(String, u64)>(token).ok()?;
    Some(KeyCursor::Dek(TenantId::new(tenant).ok()?, number))
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
        use_count: i64::try_from(key.use_count).unwrap_or(i64::MAX),
        create_time: key.created_at.map(timestamp),
        retire_time: key.retired_at.map(timestamp),
    }
}

fn rotation(rotation: &KeyRotation) -> v1::KeyRotation {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
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
            assert_eq!(read_cursor(&write_cursor(&cursor)), Some(cursor));
        }
        assert_eq!(read_cursor("[\"UPPER\", 1]"), None);
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
