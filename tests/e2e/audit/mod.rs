//! The audit log: what it tells, what it proves, and what happens while it cannot be written.

mod blocked;
mod locked;
mod recorded;
mod tampered;

use broker_e2e::House;
use broker_e2e::client::read;
use broker_proto::v1::{AuditEvent, ListAuditEventsRequest, VerifyAuditLogRequest, VerifyAuditLogResponse};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

/// The name of the RPC that vends.
const VEND: &str = "tokenbroker.v1.TokenService/GetAccessToken";

/// Every record of a log, oldest first; of that of the installation where no tenant is named.
pub(crate) async fn events(house: &House, tenant: &str) -> Vec<AuditEvent> {
    let mut events = Vec::new();
    let mut request =
        ListAuditEventsRequest { tenant_id: tenant.to_owned(), page_size: 3, ..Default::default() };
    loop {
        let page = read(house.client.admin().list_audit_events(request.clone()).await).unwrap();
        events.extend(page.audit_events);
        if page.next_page_token.is_empty() {
            events.reverse();
            return events;
        }
        request.page_token = page.next_page_token;
    }
}

/// Those of tokens given.
async fn vends(house: &House) -> Vec<AuditEvent> {
    let events = events(house, "acme").await;
    events.into_iter().filter(|event| event.action == VEND && event.reason.is_empty()).collect()
}

async fn verify(house: &House, tenant: &str) -> VerifyAuditLogResponse {
    let request = VerifyAuditLogRequest { tenant_id: tenant.to_owned(), ..Default::default() };
    read(house.client.admin().verify_audit_log(request).await).unwrap()
}

/// Runs a statement in the broker's database, behind its back.
pub(crate) async fn meddle(house: &House, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(house.data().join("broker.db"));
    let mut connection = options.connect().await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
}
