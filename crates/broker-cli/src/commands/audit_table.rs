//! Audit records and verdicts as tables.

use std::fmt::Write as _;

use broker_proto::v1::{AuditDefect, AuditEvent, AuditOutcome, BrokenAuditRecord, VerifyAuditLogResponse};
use prost_types::Timestamp;

use super::short;
use crate::output::{Cell, Table, Tone};
use crate::when::when;

pub(crate) fn events(events: &[AuditEvent], now: &Timestamp) -> Table {
    let mut table =
        Table::headed(["SEQUENCE", "WHEN", "PRINCIPAL", "ACTION", "ABOUT", "OUTCOME", "REASON", "PURPOSE"]);
    for event in events {
        table.row([
            event.sequence.to_string().into(),
            when(event.time.as_ref(), now).into(),
            event.principal.as_str().into(),
            event.action.as_str().into(),
            about(event).into(),
            Cell::toned(short(event.outcome().as_str_name(), "AUDIT_OUTCOME_"), tone(event.outcome())),
            event.reason.as_str().into(),
            event.purpose.as_str().into(),
        ]);
    }
    table
}

pub(crate) fn verdict(log: &str, answer: &VerifyAuditLogResponse) -> Table {
    let mut table = Table::default();
    table.fact("log", name(log));
    table.fact("records that hold", answer.verified_count.to_string());
    table.fact("last of them", answer.head_sequence.to_string());
    table.fact("its hash", hex(&answer.head_hash));
    match &answer.first_broken {
        None => table.fact("broken", Cell::toned("none", Tone::Good)),
        Some(broken) => table.fact("broken", Cell::toned(said(broken), Tone::Bad)),
    }
    table
}

fn said(broken: &BrokenAuditRecord) -> String {
    let what = match broken.defect() {
        AuditDefect::Altered => "was altered",
        AuditDefect::Missing => "is missing",
        AuditDefect::Unchained => "does not follow the one before, or is not the one known",
        AuditDefect::Head => "is the last there is, and the note of where the log ends does not fit",
        AuditDefect::Checkpoint => "does not fit its checkpoint",
        AuditDefect::Unspecified => "does not hold",
    };
    format!("record {} of {} {what}", broken.sequence, name(&broken.tenant_id))
}

fn name(log: &str) -> &str {
    if log.is_empty() { "(installation)" } else { log }
}

fn about(event: &AuditEvent) -> String {
    let key = event.key.clone().unwrap_or_default();
    let parts = [&event.provider, &key.user_id, &key.account, &event.resource];
    parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}

fn tone(outcome: AuditOutcome) -> Tone {
    match outcome {
        AuditOutcome::Succeeded => Tone::Good,
        AuditOutcome::Denied => Tone::Bad,
        AuditOutcome::Failed => Tone::Warning,
        AuditOutcome::Unspecified => Tone::Plain,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Never fails because a String takes any text.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
