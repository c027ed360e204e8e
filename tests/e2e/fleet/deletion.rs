//! A tenant is deleted, and the replica that began it dies.

use std::time::Duration;

use broker_e2e::client::read;
use broker_e2e::{Client, Fleet, LONGEST_WAIT, Site, ask};
use broker_proto::v1::{self, Reason, TenantState};
use provider_sim::{Endpoint, Fault, FaultBody, When};

use crate::BINARY;

const PAUSE: Duration = Duration::from_millis(50);

async fn delete(client: &Client, tenant: &str) -> v1::Tenant {
    let request = v1::DeleteTenantRequest { tenant_id: tenant.to_owned(), ..Default::default() };
    read(client.admin().delete_tenant(request).await).unwrap().tenant.unwrap()
}

async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, waiting).await.expect(what);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_replica_ends_the_deletion_that_a_dead_one_began() {
    let mut fleet = Fleet::plan(BINARY)
        .replicas(2)
        .children()
        .scheduler()
        .rotation("tick", "200ms")
        .rotation("connect_timeout", "1s")
        .rotation("provider_timeout", "2s")
        .rotation("lease_ttl", "4s")
        .rotation("probe_cap", "2s")
        .rotation("retry_cap", "2s")
        .start()
        .await;
    let mut tokens = Vec::new();
    for (site, users) in [(Site::Strict, 0..6), (Site::Dying, 6..9)] {
        for key in fleet.consents(site, users).await {
            fleet.client(1).token(ask(&key)).await.unwrap();
            tokens.push((site, fleet.client(0).token(ask(&key)).await.unwrap(), key));
        }
    }
    let tenant = tokens[0].2.tenant_id.clone();
    let faults = fleet.simulator(Site::Strict).faults().clone();
    faults.push(Fault::respond(Endpoint::Revoke, When::BeforeCommit, 503, FaultBody::Html).forever());

    let begun = delete(fleet.client(0), &tenant).await;
    assert_eq!(begun.state(), TenantState::Deleting);
    let refused = fleet.client(0).token(ask(&tokens[0].2)).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::ConsentRequired));
    let survivor = fleet.client(1).clone();
    until("the other replica hears of it", || async { survivor.token(ask(&tokens[0].2)).await.is_err() })
        .await;
    fleet.take(0).kill().await;
    until("those of the other provider are revoked", || async {
        delete(&survivor, &tenant).await.pending_revocation_count == 6
    })
    .await;
    assert_eq!(delete(&survivor, &tenant).await.state(), TenantState::Deleting);

    faults.clear();
    until("the tenant is deleted", || async {
        delete(&survivor, &tenant).await.state() == TenantState::Deleted
    })
    .await;
    for (site, token, key) in &tokens {
        assert_eq!(fleet.api_status(*site, token).await, 401, "{key:?}");
        survivor.token(ask(key)).await.unwrap_err();
    }
    let refused = survivor.start(&tokens[0].2).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::GrantNotFound));
    let refused = survivor.create_tenant(&tenant).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::AlreadyExists));
    fleet.close().await;
}
