//! Webhooks for people.

use broker_proto::v1::Webhook;
use prost_types::Timestamp;

use super::events::type_name;
use super::short;
use crate::output::{Cell, Table, Tone};
use crate::when::when;

/// One line per webhook.
pub(crate) fn list(webhooks: &[Webhook], now: &Timestamp) -> Table {
    let mut table = Table::headed(["WEBHOOK", "STATE", "PENDING", "ACCEPTED", "FAILED", "URL"]);
    for webhook in webhooks {
        table.row([
            webhook.webhook_id.as_str().into(),
            state(webhook),
            webhook.pending_count.to_string().into(),
            when(webhook.last_success_time.as_ref(), now).into(),
            when(webhook.last_failure_time.as_ref(), now).into(),
            webhook.url.as_str().into(),
        ]);
    }
    table
}

/// Everything about one.
pub(crate) fn details(webhook: &Webhook, now: &Timestamp) -> Table {
    let mut table = Table::default();
    table.fact("webhook", &webhook.webhook_id);
    table.fact("tenant", &webhook.tenant_id);
    table.fact("url", &webhook.url);
    table.fact("types", types(webhook));
    table.fact("description", &webhook.description);
    table.fact("state", state(webhook));
    table.fact("pending", webhook.pending_count.to_string());
    table.fact("accepted through", webhook.delivered_through_sequence.to_string());
    table.fact("last accepted", when(webhook.last_success_time.as_ref(), now));
    table.fact("last failed", when(webhook.last_failure_time.as_ref(), now));
    table.fact("last failure", failure(webhook));
    table.fact("old secret until", when(webhook.old_secret_expire_time.as_ref(), now));
    table.fact("created", when(webhook.create_time.as_ref(), now));
    table.fact("updated", when(webhook.update_time.as_ref(), now));
    table.fact("etag", &webhook.etag);
    table
}

/// How many events will be sent again.
pub(crate) fn scheduled(count: i64) -> Table {
    let mut table = Table::default();
    table.fact("scheduled", count.to_string());
    table
}

/// One is gone.
pub(crate) fn deleted(id: &str) -> Table {
    let mut table = Table::default();
    table.fact("webhook", id);
    table.fact("deleted", "yes");
    table
}

fn state(webhook: &Webhook) -> Cell {
    let name = short(webhook.state().as_str_name(), "WEBHOOK_STATE_");
    Cell::toned(name, if name == "FAILED" { Tone::Bad } else { Tone::Plain })
}

fn types(webhook: &Webhook) -> String {
    let names: Vec<_> = webhook.event_types().map(type_name).collect();
    if names.is_empty() { "all".to_owned() } else { names.join(", ") }
}

fn failure(webhook: &Webhook) -> String {
    match webhook.last_failure_http_status {
        0 => short(webhook.last_failure().as_str_name(), "WEBHOOK_FAILURE_").to_owned(),
        status => format!("status {status}"),
    }
}
