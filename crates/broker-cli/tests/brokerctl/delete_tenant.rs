use broker_proto::v1::{DeleteTenantResponse, Tenant, TenantState};

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

fn answer(state: TenantState, left: i64) -> DeleteTenantResponse {
    let tenant = Tenant {
        tenant_id: "acme".into(),
        state: state.into(),
        pending_revocation_count: left,
        ..Default::default()
    };
    DeleteTenantResponse { tenant: Some(tenant) }
}

#[tokio::test]
async fn it_tells_how_far_it_is_until_the_tenant_is_gone() {
    let broker = FakeBroker::start().await;
    for (state, left) in [(TenantState::Deleting, 2), (TenantState::Deleting, 0), (TenantState::Deleted, 0)] {
        broker.scripts.delete_tenant.will_answer(Ok(answer(state, left)));
    }
    let run = ctl(&broker, "tenants delete --tenant acme --yes").await;
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.fact("state"), "DELETED");
    assert!(run.stderr.contains("2 grants") && run.stderr.contains("every grant is revoked"), "{run:?}");
    assert_eq!(broker.scripts.delete_tenant.requests().len(), 3);
}

#[tokio::test]
async fn it_does_not_wait_for_who_does_not_want_to() {
    let broker = FakeBroker::start().await;
    broker.scripts.delete_tenant.will_answer(Ok(answer(TenantState::Deleting, 2)));
    let run = ctl(&broker, "tenants delete --tenant acme --yes --no-wait").await;
    assert_eq!((run.code, run.fact("state")), (0, "DELETING"));
}

#[tokio::test]
async fn nothing_is_deleted_without_somebody_who_says_so() {
    let broker = FakeBroker::start().await;
    let run = ctl(&broker, "tenants delete --tenant acme").await;
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("--yes"), "{run:?}");
    assert!(broker.scripts.delete_tenant.requests().is_empty());
}
