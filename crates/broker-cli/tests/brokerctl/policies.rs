use broker_proto::v1::{
    AccessAction, AccessPolicy, CreateAccessPolicyResponse, DeleteAccessPolicyResponse,
    ExplainAccessResponse, ListAccessPoliciesResponse,
};

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

fn policy(id: &str) -> AccessPolicy {
    AccessPolicy {
        policy_id: id.into(),
        principal: "spiffe://acme/*".into(),
        actions: vec![AccessAction::Vend.into(), AccessAction::Observe.into()],
        tenant_id: "acme".into(),
        provider: "*".into(),
        requests_per_second: Some(2.5),
        configured: true,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_policy_is_created_as_it_was_typed() {
    let broker = FakeBroker::start().await;
    let answer = CreateAccessPolicyResponse { access_policy: Some(policy("p-1")) };
    broker.scripts.create_access_policy.will_answer(Ok(answer));
    let flags = "--tenant acme --provider * --principal spiffe://acme/* --action vend --action observe \
                 --max-scope live --requests-per-second 2.5 --description export";
    let run = ctl(&broker, &format!("policies create {flags}")).await;
    for (fact, value) in
        [("policy", "p-1"), ("actions", "VEND OBSERVE"), ("rate", "2.5/s"), ("max scopes", "any")]
    {
        assert_eq!(run.fact(fact), value);
    }
    let request = &broker.scripts.create_access_policy.requests()[0];
    assert_eq!((request.tenant_id.as_str(), request.provider.as_str()), ("acme", "*"));
    assert_eq!(request.actions().collect::<Vec<_>>(), [AccessAction::Vend, AccessAction::Observe]);
    assert_eq!((request.max_scopes.join(" "), request.requests_per_second), ("live".into(), Some(2.5)));
}

#[tokio::test]
async fn where_and_what_must_be_said() {
    let broker = FakeBroker::start().await;
    for (flags, text) in [
        ("--tenant acme --provider evercam --principal p", "--action"),
        ("--provider evercam --principal p --action vend", "--tenant is required"),
        ("--tenant acme --principal p --action vend", "--provider is required"),
        ("--tenant acme --provider evercam --principal p --action fly", "fly"),
    ] {
        let run = ctl(&broker, &format!("policies create {flags}")).await;
        assert_eq!(run.code, 2, "{flags}: {run:?}");
        assert!(run.stderr.contains(text), "{flags}: {run:?}");
    }
    assert!(broker.scripts.create_access_policy.requests().is_empty());
}

#[tokio::test]
async fn a_list_is_of_all_tenants_unless_one_is_named() {
    let broker = FakeBroker::start().await;
    let page = |id: &str, next: &str| ListAccessPoliciesResponse {
        access_policies: vec![policy(id)],
        next_page_token: next.into(),
    };
    for answer in [page("p-1", "p-1"), page("p-2", "")] {
        broker.scripts.list_access_policies.will_answer(Ok(answer));
    }
    let run = ctl(&broker, "policies list --principal jwt:ci").await;
    let lines: Vec<_> = run.stdout.lines().collect();
    assert!(lines.len() == 3 && lines[1].starts_with("p-1") && lines[2].starts_with("p-2"), "{run:?}");
    assert!(lines[1].ends_with("configuration"), "{run:?}");
    let requests = broker.scripts.list_access_policies.requests();
    assert_eq!((requests[0].tenant_id.as_str(), requests[0].principal.as_str()), ("*", "jwt:ci"));
    assert_eq!(requests[1].page_token, "p-1");

    broker.scripts.list_access_policies.will_answer(Ok(page("p-1", "p-1")));
    let run = ctl(&broker, "policies list --tenant acme --limit 1 -o json").await;
    assert_eq!(run.json()["nextPageToken"], "p-1");
    assert_eq!(broker.scripts.list_access_policies.requests()[2].tenant_id, "acme");
}

#[tokio::test]
async fn a_policy_is_deleted_by_its_id() {
    let broker = FakeBroker::start().await;
    broker.scripts.delete_access_policy.will_answer(Ok(DeleteAccessPolicyResponse {}));
    let run = ctl(&broker, "policies delete --policy p-1").await;
    assert_eq!(run.fact("deleted"), "p-1");
    assert_eq!(broker.scripts.delete_access_policy.requests()[0].policy_id, "p-1");
}

#[tokio::test]
async fn an_explanation_names_the_policy_or_that_there_is_none() {
    let broker = FakeBroker::start().await;
    let yes = ExplainAccessResponse { allowed: true, policy: Some(policy("p-1")) };
    for answer in [yes, ExplainAccessResponse::default()] {
        broker.scripts.explain_access.will_answer(Ok(answer));
    }
    let line = "policies explain --tenant acme --provider evercam --user ada --principal jwt:ci --action vend --scope live";
    let run = ctl(&broker, line).await;
    assert_eq!((run.fact("allowed"), run.fact("policy"), run.code), ("yes", "p-1", 0));
    let run = ctl(&broker, line).await;
    assert_eq!((run.fact("allowed"), run.fact("by"), run.code), ("no", "no policy", 0));
    let request = &broker.scripts.explain_access.requests()[0];
    assert_eq!((request.action(), request.scopes.join(" ")), (AccessAction::Vend, "live".into()));
    assert_eq!(request.key.as_ref().unwrap().user_id, "ada");
}
