//! Webhooks as messages.

use broker_core::{DeliveryFailure, WebhookStanding, WebhookState};
use broker_proto::v1;

use super::etag;
use crate::grpc::events::event_type_message;
use crate::grpc::message::timestamp;

/// A webhook; never a secret of it.
pub(super) fn webhook(standing: &WebhookStanding) -> v1::Webhook {
    let WebhookStanding { webhook, progress } = standing;
    let failure = progress.last_failure.map(|last| last.failure);
    let status = failure.and_then(|failure| failure.to_parts().1).map_or(0, i32::from);
    v1::Webhook {
        webhook_id: webhook.id.to_string(),
        tenant_id: webhook.tenant.to_string(),
        url: webhook.url.clone(),
        event_types: webhook.types.iter().map(|kind| event_type_message(*kind).into()).collect(),
        description: webhook.description.clone(),
        state: state(webhook.state).into(),
        pending_count: i64::try_from(progress.pending).unwrap_or(i64::MAX),
        last_success_time: progress.last_success_at.map(timestamp),
        last_failure_time: progress.last_failure.map(|last| timestamp(last.at)),
        last_failure_http_status: status,
        old_secret_expire_time: progress.old_secret_until.map(timestamp),
        etag: etag::write(webhook.version),
        create_time: Some(timestamp(webhook.created_at)),
        update_time: Some(timestamp(webhook.updated_at)),
        delivered_through_sequence: progress.delivered_through,
        last_failure: failure.map(failure_message).unwrap_or_default().into(),
    }
}

fn state(state: WebhookState) -> v1::WebhookState {
    match state {
        WebhookState::Enabled => v1::WebhookState::Enabled,
        WebhookState::Disabled => v1::WebhookState::Disabled,
        WebhookState::Failed => v1::WebhookState::Failed,
    }
}

fn failure_message(failure: DeliveryFailure) -> v1::WebhookFailure {
    match failure {
        DeliveryFailure::Status(_) => v1::WebhookFailure::Status,
        DeliveryFailure::Timeout => v1::WebhookFailure::Timeout,
        DeliveryFailure::NoConnection => v1::WebhookFailure::NoConnection,
        DeliveryFailure::ForbiddenAddress => v1::WebhookFailure::ForbiddenAddress,
        DeliveryFailure::Broken => v1::WebhookFailure::Broken,
    }
}
