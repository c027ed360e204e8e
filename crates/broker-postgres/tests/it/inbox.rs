//! The audit inbox, read behind the store's back.

use async_trait::async_trait;
use broker_core::testing::conformance::BrokerRecords;
use broker_core::{
    AccountLabel, AuditAction, AuditOutcome, AuditRecord, Generation, GrantKey, ProviderName, TenantId,
    Timestamp, UserId,
};
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

pub(crate) struct Inbox(String);

impl Inbox {
    pub(crate) fn at(url: &str) -> Self {
        Self(url.to_owned())
    }
}

#[async_trait]
impl BrokerRecords for Inbox {
    async fn broker_records(&self) -> Vec<AuditRecord> {
        let mut connection = PgConnection::connect(&self.0).await.unwrap();
        let rows = sqlx::query("SELECT * FROM audit_inbox WHERE principal IS NULL ORDER BY id")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        rows.iter().map(record).collect()
    }
}

/// The broker's own changes all succeed, have no purpose and vend nothing.
fn record(row: &PgRow) -> AuditRecord {
    assert_eq!(
        (row.get("outcome"), row.get("reason"), row.get("purpose"), row.get("fingerprint")),
        ("succeeded", "", "", None::<Vec<u8>>)
    );
    let provider = row.get::<Option<String>, _>("provider").map(|name| ProviderName::new(name).unwrap());
    AuditRecord {
        at: Timestamp::from_unix_micros(row.get("at")),
        tenant: Some(row.get::<String, _>("tenant")).filter(|name| !name.is_empty()).map(tenant),
        principal: None,
        action: AuditAction::named(row.get::<String, _>("action")),
        key: row.get::<Option<String>, _>("user_id").map(|user| GrantKey {
            tenant: tenant(row.get("tenant")),
            provider: provider.clone().unwrap(),
            user: UserId::new(user).unwrap(),
            account: AccountLabel::new(row.get::<String, _>("account")).unwrap(),
        }),
        provider,
        resource: row.get("resource"),
        generation: row.get::<Option<i64>, _>("generation").map(|g| Generation::new(g.cast_unsigned())),
        outcome: AuditOutcome::Succeeded,
        purpose: String::new(),
        token: None,
    }
}

fn tenant(name: String) -> TenantId {
    TenantId::new(name).unwrap()
}
