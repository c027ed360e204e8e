//! The inventory of sealed columns against the schema as it is.

use std::collections::BTreeSet;

use broker_core::ports::SealedStore;
use broker_core::testing::conformance::StoreUnderTest;

use crate::stores::InPostgres;

/// Columns of bytes that are not sealed under a data key: digests, codes of the audit log, and keys as they are wrapped.
const NOT_SEALED: &[&str] = &[
    "access_policies.rule_digest",
    "audit_checkpoints.hash",
    "audit_checkpoints.mac",
    "audit_heads.hash",
    "audit_heads.mac",
    "audit_inbox.fingerprint",
    "audit_keys.envelope",
    "audit_records.fingerprint",
    "audit_records.hash",
    "audit_records.previous_hash",
    "authorizations.completion_digest",
    "authorizations.imported_token",
    "authorizations.state_digest",
    "create_requests.digest",
    "data_keys.envelope",
    "grants.refresh_token_fingerprint",
    "grants.upstream_account",
];

#[tokio::test]
async fn every_column_of_bytes_is_in_the_inventory_or_known_to_be_no_secret() {
    let store = InPostgres::fresh().await;
    let columns: BTreeSet<String> = store
        .look(
            "SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c
             JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE t.table_type = 'BASE TABLE' AND c.table_schema = current_schema() AND c.data_type = 'bytea'
               AND c.table_name <> '_sqlx_migrations'",
        )
        .await;
    let sealed = store.store.sealed_columns();
    let sealed = sealed.iter().map(|(table, column)| format!("{table}.{column}"));
    let listed = sealed.chain(NOT_SEALED.iter().map(|name| (*name).to_owned())).collect::<Vec<_>>();
    assert_eq!(columns, listed.iter().cloned().collect());
    assert_eq!(columns.len(), listed.len(), "no column stands in both lists");
}
