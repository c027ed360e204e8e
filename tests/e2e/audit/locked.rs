//! While another session of Postgres holds the inbox.

use broker_e2e::client::read;
use broker_e2e::{Fleet, LONGEST_WAIT, Site, ask};
use broker_proto::v1::{ListAuditEventsRequest, Reason};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tonic::Code;

use super::VEND;
use crate::BINARY;
use crate::errors::refused;

/// How many tokens were given by the log of the tenant.
async fn given_by_the_log(fleet: &Fleet, tenant: &str) -> usize {
    let request =
        ListAuditEventsRequest { tenant_id: tenant.to_owned(), page_size: 1000, ..Default::default() };
    let page = read(fleet.client(0).admin().list_audit_events(request).await).unwrap();
    page.audit_events.iter().filter(|event| event.action == VEND && event.reason.is_empty()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn strict_gives_no_token_while_the_inbox_is_locked() {
    let fleet = Fleet::plan(BINARY).replicas(1).audit("vends = \"strict\"").start().await;
    let key = fleet.consents(Site::Strict, 0..1).await.remove(0);
    let vend = || fleet.client(0).token(ask(&key));
    vend().await.unwrap();
    let mut given = 1;

    let mut other = PgConnection::connect(&fleet.database.url()).await.unwrap();
    other.execute("BEGIN; LOCK TABLE audit_inbox IN ACCESS EXCLUSIVE MODE").await.unwrap();
    for _ in 0..3 {
        refused(vend().await, Code::Unavailable, Reason::BackendUnavailable);
    }
    other.execute("ROLLBACK").await.unwrap();

    let served = async {
        while vend().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, served).await.unwrap();
    given += 1;
    // What was refused because its record came late may stand there all the same; what was given must.
    let told = given_by_the_log(&fleet, &key.tenant_id).await;
    assert!((given..=given + 3).contains(&told), "{told}");
    other.close().await.unwrap();
    fleet.close().await;
}
