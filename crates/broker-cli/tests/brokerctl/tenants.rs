use broker_proto::v1::{
    CreateTenantResponse, GetTenantResponse, ListTenantsResponse, Tenant, TenantState, UpdateTenantResponse,
};

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

fn tenant(id: &str) -> Tenant {
    Tenant {
        tenant_id: id.into(),
        display_name: "Acme Ltd".into(),
        state: TenantState::Active.into(),
        etag: "e1".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_tenant_is_created() {
    let broker = FakeBroker::start().await;
    let tenant = Some(tenant("acme"));
    broker.scripts.create_tenant.will_answer(Ok(CreateTenantResponse { tenant }));
    let id = "0190b4e2-0000-7000-8000-000000000001";
    let run =
        ctl(&broker, &format!("tenants create --tenant acme --display-name Acme --request-id {id}")).await;
    assert_eq!(run.fact("tenant"), "acme");
    let request = &broker.scripts.create_tenant.requests()[0];
    assert_eq!((request.display_name.as_str(), request.request_id.as_str()), ("Acme", id));
}

#[tokio::test]
async fn a_tenant_is_shown_and_changed() {
    let broker = FakeBroker::start().await;
    broker.scripts.get_tenant.will_answer(Ok(GetTenantResponse { tenant: Some(tenant("acme")) }));
    let run = ctl(&broker, "tenants get --tenant acme").await;
    assert_eq!((run.fact("state"), run.fact("etag")), ("ACTIVE", "e1"));

    broker.scripts.update_tenant.will_answer(Ok(UpdateTenantResponse { tenant: Some(tenant("acme")) }));
    let run = ctl(&broker, "tenants update --tenant acme --display-name Acme --etag e1").await;
    assert_eq!(run.fact("display name"), "Acme Ltd");
    let request = broker.scripts.update_tenant.requests().remove(0);
    assert_eq!(
        (request.etag.as_str(), request.update_mask.unwrap().paths),
        ("e1", vec!["display_name".to_owned()])
    );
}

#[tokio::test]
async fn tenants_are_listed() {
    let broker = FakeBroker::start().await;
    let tenants = vec![tenant("acme"), tenant("globex")];
    let page = ListTenantsResponse { tenants, next_page_token: "more".into() };
    broker.scripts.list_tenants.will_answer(Ok(page));
    let run = ctl(&broker, "tenants list --state active --state deleting --limit 2").await;
    assert_eq!(run.stdout.lines().count(), 3, "{run:?}");
    assert!(run.stdout.contains("globex  Acme Ltd      ACTIVE"), "{run:?}");
    assert!(run.stderr.contains("--limit 0"), "{run:?}");
    let request = &broker.scripts.list_tenants.requests()[0];
    let states = [TenantState::Active, TenantState::Deleting].map(i32::from);
    assert_eq!((request.page_size, request.states.as_slice()), (2, states.as_slice()));
}
