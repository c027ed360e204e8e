use broker_proto::v1::{GetTenantResponse, Tenant};

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

#[tokio::test]
async fn an_answer_is_yaml_where_that_is_asked_for() {
    let broker = FakeBroker::start().await;
    let tenant = Tenant {
        tenant_id: "acme".into(),
        display_name: "Acme: \"Ltd\"".into(),
        create_time: Some("2020-01-01T00:00:00Z".parse().unwrap()),
        ..Default::default()
    };
    broker.scripts.get_tenant.will_answer(Ok(GetTenantResponse { tenant: Some(tenant) }));
    let run = ctl(&broker, "tenants get --tenant acme -o yaml").await;
    let expected = "tenant:\n  createTime: \"2020-01-01T00:00:00Z\"\n  displayName: \"Acme: \\\"Ltd\\\"\"\n  \
                    tenantId: acme\n";
    assert_eq!(run.stdout, expected, "{run:?}");
}

#[tokio::test]
async fn health_is_yaml_too() {
    let broker = FakeBroker::start().await;
    let run = ctl(&broker, "health -o yaml").await;
    assert!(run.stdout.starts_with("services:\n  - service: \"\"\n    status: SERVING\n"), "{run:?}");
}
