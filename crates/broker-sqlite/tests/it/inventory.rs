//! The inventory of sealed columns against the schema as it is.

use std::collections::BTreeSet;

use broker_core::ports::SealedStore;
use broker_core::testing::conformance::StoreUnderTest;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use crate::stores::InFile;

/// Columns of bytes that are not sealed under a data key: ids, digests, codes of the audit log, and keys as they are wrapped.
const NOT_SEALED: &[&str] = &[
    "access_policies.id",
    "access_policies.rule_digest",
    "audit_checkpoints.hash",
    "audit_checkpoints.mac",
    "audit_heads.hash",
    "audit_heads.mac",
    "audit_inbox.fingerprint",
    "audit_keys.envelope",
    "audit_keys.id",
    "audit_records.fingerprint",
    "audit_records.hash",
    "audit_records.previous_hash",
    "attempts.authorization_id",
    "attempts.grant_id",
    "attempts.id",
    "attempts.lineage",
    "attempts.owner",
    "authorizations.completion_digest",
    "authorizations.id",
    "authorizations.lineage",
    "authorizations.imported_token",
    "authorizations.state_digest",
    "create_requests.digest",
    "create_requests.id",
    "data_keys.envelope",
    "data_keys.id",
    "data_keys.rotation",
    "device_authorizations.attempt_id",
    "device_authorizations.authorization_id",
    "events.grant_id",
    "events.webhook_id",
    "grant_secrets.grant_id",
    "grants.id",
    "grants.lineage",
    "grants_asked.grant_id",
    "installation.id",
    "key_rotations.id",
    "key_rotations.owner",
    "machine_credentials.grant_id",
    "machine_credentials.parent_lineage",
    "replicas.escrow",
    "replicas.incarnation",
    "revocations.attempt",
    "revocations.grant_id",
    "revocations.id",
    "revocations.lineage",
    "unread_answers.attempt_id",
    "webhooks.claim",
    "webhooks.id",
    "grants.refresh_token_fingerprint",
    "grants.upstream_account",
];

#[tokio::test]
async fn every_column_of_bytes_is_in_the_inventory_or_known_to_be_no_secret() {
    let store = InFile::fresh().await;
    let options = SqliteConnectOptions::new().filename(store.database()).read_only(true);
    let rows = sqlx::query(
        "SELECT m.name || '.' || c.name AS name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.type = 'BLOB' AND m.name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut options.connect().await.unwrap())
    .await
    .unwrap();
    let columns: BTreeSet<String> = rows.iter().map(|row| row.get("name")).collect();
    let sealed = store.store.sealed_columns();
    let sealed = sealed.iter().map(|(table, column)| format!("{table}.{column}"));
    let listed = sealed.chain(NOT_SEALED.iter().map(|name| (*name).to_owned())).collect::<Vec<_>>();
    assert_eq!(columns, listed.iter().cloned().collect());
    assert_eq!(columns.len(), listed.len(), "no column stands in both lists");
}
