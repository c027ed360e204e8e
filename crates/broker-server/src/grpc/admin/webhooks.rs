//! Webhooks.

use std::time::Duration;

use broker_core::ports::{WebhookFilter, WebhookKey};
use broker_core::{BrokerError, EventType, NewWebhook, WebhookId, WebhookUpdate};
use broker_proto::v1::{
    CreateWebhookRequest, CreateWebhookResponse, DeleteWebhookRequest, DeleteWebhookResponse,
    GetWebhookRequest, GetWebhookResponse, ListWebhooksRequest, ListWebhooksResponse,
    RedeliverWebhookRequest, RedeliverWebhookResponse, RotateWebhookSecretRequest,
    RotateWebhookSecretResponse, UpdateWebhookRequest, UpdateWebhookResponse, WebhookState,
};
use tonic::{Request, Status};

use super::etag;
use super::mask::Mask;
use super::page::Page;
use super::webhook_message;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::events::event_types;
use crate::grpc::page_token;
use crate::grpc::request::Fields;

const CHANGEABLE: [&str; 4] = ["url", "event_types", "description", "state"];

/// How long the old secret signs where nothing is said, and at most.
const OVERLAP: Duration = Duration::from_secs(24 * 3600);
const LONGEST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 3600);

/// No event has a later one.
const LAST_PLACE: u64 = i64::MAX.unsigned_abs();

/// Bytes of a description.
const LONGEST_DESCRIPTION: usize = 256;

pub(in crate::grpc) async fn create(
    api: &AdminApi,
    request: Request<CreateWebhookRequest>,
) -> Result<CreateWebhookResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let types = read_types(&mut fields, &message.event_types);
    described(&mut fields, &message.description);
    let request = fields.request_id(&message.request_id);
    let (url, description) = (message.url, message.description);
    let new = tenant.map(|tenant| NewWebhook { tenant, url, types, description });
    let new = fields.finish(new).map_err(api.told())?;
    call.admit_at(&new.tenant, None).map_err(api.told())?;
    let created = api.broker.create_webhook(new, request, call.actor()).await;
    let (created, secret) = created.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %created.webhook.tenant, webhook = %created.webhook.id,
        "webhook created"
    );
    let webhook = Some(webhook_message::webhook(&created));
    Ok(CreateWebhookResponse { webhook, signing_secret: secret.to_text().to_string() })
}

pub(in crate::grpc) async fn get(
    api: &AdminApi,
    request: Request<GetWebhookRequest>,
) -> Result<GetWebhookResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.get_ref();
    let key = read_key(&message.tenant_id, &message.webhook_id).map_err(api.told())?;
    call.admit_at(&key.tenant, None).map_err(api.told())?;
    let webhook = api.broker.webhook(&key).await.map_err(api.told())?;
    Ok(GetWebhookResponse { webhook: Some(webhook_message::webhook(&webhook)) })
}

pub(in crate::grpc) async fn list(
    api: &AdminApi,
    request: Request<ListWebhooksRequest>,
) -> Result<ListWebhooksResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let (filter, page) = read_filter(request.get_ref()).map_err(api.told())?;
    call.admit_at(&filter.tenant, None).map_err(api.told())?;
    let mut webhooks = api.broker.list_webhooks(&filter).await.map_err(api.told())?;
    let next_page_token = page.cut(&mut webhooks, |last| page_token::of([&last.webhook.id.to_string()]));
    Ok(ListWebhooksResponse {
        webhooks: webhooks.iter().map(webhook_message::webhook).collect(),
        next_page_token,
    })
}

pub(in crate::grpc) async fn update(
    api: &AdminApi,
    request: Request<UpdateWebhookRequest>,
) -> Result<UpdateWebhookResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let update = read_update(request.into_inner()).map_err(api.told())?;
    call.admit_at(&update.key.tenant, None).map_err(api.told())?;
    let updated = api.broker.update_webhook(update, call.actor()).await.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %updated.webhook.tenant, webhook = %updated.webhook.id,
        state = updated.webhook.state.as_str(), "webhook updated"
    );
    Ok(UpdateWebhookResponse { webhook: Some(webhook_message::webhook(&updated)) })
}

pub(in crate::grpc) async fn delete(
    api: &AdminApi,
    request: Request<DeleteWebhookRequest>,
) -> Result<DeleteWebhookResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.get_ref();
    let key = read_key(&message.tenant_id, &message.webhook_id).map_err(api.told())?;
    call.admit_at(&key.tenant, None).map_err(api.told())?;
    let expected = etag::read(&message.etag);
    api.broker.delete_webhook(&key, expected, call.actor()).await.map_err(api.told())?;
    tracing::info!(principal = %call.principal(), tenant = %key.tenant, webhook = %key.id, "webhook deleted");
    Ok(DeleteWebhookResponse {})
}

pub(in crate::grpc) async fn rotate_secret(
    api: &AdminApi,
    request: Request<RotateWebhookSecretRequest>,
) -> Result<RotateWebhookSecretResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.get_ref();
    let mut fields = Fields::default();
    let overlap = fields.duration("overlap", message.overlap, OVERLAP, LONGEST_OVERLAP);
    let key = key_of(&mut fields, &message.tenant_id, &message.webhook_id);
    let (key, overlap) = fields.finish(key.zip(overlap)).map_err(api.told())?;
    call.admit_at(&key.tenant, None).map_err(api.told())?;
    let rotated = api.broker.rotate_webhook_secret(&key, overlap, call.actor()).await;
    let (webhook, secret) = rotated.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %key.tenant, webhook = %key.id, "webhook secret rotated"
    );
    let webhook = Some(webhook_message::webhook(&webhook));
    Ok(RotateWebhookSecretResponse { webhook, signing_secret: secret.to_text().to_string() })
}

pub(in crate::grpc) async fn redeliver(
    api: &AdminApi,
    request: Request<RedeliverWebhookRequest>,
) -> Result<RedeliverWebhookResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.get_ref();
    let mut fields = Fields::default();
    let key = key_of(&mut fields, &message.tenant_id, &message.webhook_id);
    if !(1..=LAST_PLACE).contains(&message.from_sequence) {
        fields.violation(
            "from_sequence",
            "must be the place of an event: greater than 0, and no more than 2^63 - 1",
        );
    }
    let to = (message.to_sequence > 0).then_some(message.to_sequence);
    if to.is_some_and(|to| to > LAST_PLACE) {
        fields.violation("to_sequence", "must be no more than 2^63 - 1; 0 means the newest");
    } else if to.is_some_and(|to| to < message.from_sequence) {
        fields.violation("to_sequence", "must not be before from_sequence; 0 means the newest");
    }
    let key = fields.finish(key).map_err(api.told())?;
    call.admit_at(&key.tenant, None).map_err(api.told())?;
    let scheduled = api.broker.redeliver_webhook(&key, message.from_sequence, to, call.actor()).await;
    let scheduled = scheduled.map_err(api.told())?;
    tracing::info!(principal = %call.principal(), tenant = %key.tenant, webhook = %key.id, scheduled, "redelivery");
    Ok(RedeliverWebhookResponse { scheduled_count: i64::try_from(scheduled).unwrap_or(i64::MAX) })
}

fn read_key(tenant: &str, id: &str) -> Result<WebhookKey, BrokerError> {
    let mut fields = Fields::default();
    let key = key_of(&mut fields, tenant, id);
    fields.finish(key)
}

fn key_of(fields: &mut Fields, tenant: &str, id: &str) -> Option<WebhookKey> {
    let tenant = fields.tenant(tenant);
    let id = WebhookId::parse(id);
    if id.is_none() {
        fields.violation("webhook_id", "must be a UUID");
    }
    tenant.zip(id).map(|(tenant, id)| WebhookKey { tenant, id })
}

fn described(fields: &mut Fields, description: &str) {
    fields.at_most("description", description, LONGEST_DESCRIPTION);
    if description.chars().any(char::is_control) {
        fields.violation("description", "must not have control characters");
    }
}

fn read_types(fields: &mut Fields, numbers: &[i32]) -> Vec<EventType> {
    let mut types = event_types(fields, "event_types", numbers);
    types.sort_unstable();
    types.dedup();
    types
}

fn read_filter(message: &ListWebhooksRequest) -> Result<(WebhookFilter, Page), BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let page = Page::read(&mut fields, message.page_size);
    let limit = page.to_read();
    let after = page_token::parts(&message.page_token)?
        .map(|[id]| WebhookId::parse(&id).ok_or_else(page_token::foreign))
        .transpose()?;
    let filter = tenant.map(|tenant| WebhookFilter { tenant, after, limit });
    fields.finish(filter.map(|filter| (filter, page)))
}

fn read_update(message: UpdateWebhookRequest) -> Result<WebhookUpdate, BrokerError> {
    let mut fields = Fields::default();
    let key = key_of(&mut fields, &message.tenant_id, &message.webhook_id);
    let state = message.state();
    let mask = Mask::read(&mut fields, message.update_mask, &CHANGEABLE);
    let types = read_types(&mut fields, &message.event_types);
    described(&mut fields, &message.description);
    let enabled = match state {
        WebhookState::Enabled => true,
        WebhookState::Disabled => false,
        WebhookState::Unspecified | WebhookState::Failed => {
            if mask.names("state") {
                fields.violation("state", "must be ENABLED or DISABLED");
            }
            false
        }
    };
    let update = key.map(|key| WebhookUpdate {
        key,
        url: mask.take("url", message.url),
        types: mask.take("event_types", types),
        description: mask.take("description", message.description),
        enabled: mask.take("state", enabled),
        expected: etag::read(&message.etag),
    });
    fields.finish(update)
}
