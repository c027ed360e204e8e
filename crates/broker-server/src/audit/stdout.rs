//! Records as lines of JSON on standard output.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use async_trait::async_trait;
use broker_core::{AuditSink, ChainMark, ChainedRecord, Timestamp};
use serde_json::{Value, json};

use crate::panics::why_ended;

/// Standard output, one object a line.
pub(super) struct StandardOutput;

#[async_trait]
impl AuditSink for StandardOutput {
    async fn tell(&self, records: &[ChainedRecord], checkpoints: &[ChainMark]) {
        let lines = records.iter().map(record).chain(checkpoints.iter().map(checkpoint));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        let write = move || io::stdout().lock().write_all(text.as_bytes());
        // A reader that is slow holds up sealing, and nobody else.
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "audit records could not be written to standard output")
            }
            Err(ended) => {
                let error = why_ended(&ended);
                tracing::error!(error, "audit records could not be written to standard output");
            }
        }
    }
}

fn record(kept: &ChainedRecord) -> Value {
    let record = &kept.record;
    json!({ "audit": {
        "tenant_id": record.tenant,
        "log": kept.chain,
        "sequence": kept.sequence,
        "time": Timestamp::from_unix_micros(record.at).to_string(),
        "principal": record.principal.as_deref().unwrap_or("broker"),
        "action": record.action,
        "provider": record.provider,
        "user_id": record.user,
        "account": record.account,
        "resource": record.resource,
        "generation": record.generation,
        "outcome": record.outcome,
        "reason": record.reason,
        "purpose": record.purpose,
        "token_fingerprint": record.fingerprint.as_deref().map(hex),
        "previous_hash": hex(&kept.previous_hash),
        "hash": hex(&kept.hash),
    }})
}

fn checkpoint(mark: &ChainMark) -> Value {
    json!({ "audit_checkpoint": {
        "log": mark.chain,
        "sequence": mark.sequence,
        "hash": hex(&mark.hash),
        "mac": hex(&mark.mac),
    }})
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Never fails because a String takes any text.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use broker_core::KeptRecord;

    use super::*;

    #[test]
    fn a_line_names_the_log_the_place_and_the_hash() {
        let kept = ChainedRecord {
            chain: "acme".into(),
            sequence: 3,
            record: KeptRecord { action: "rotate".into(), ..KeptRecord::default() },
            previous_hash: vec![0, 255],
            hash: vec![1],
        };
        let line = record(&kept)["audit"].clone();
        assert_eq!((&line["log"], &line["sequence"]), (&json!("acme"), &json!(3)));
        assert_eq!((&line["principal"], &line["previous_hash"]), (&json!("broker"), &json!("00ff")));
    }
}
