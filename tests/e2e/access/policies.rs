//! The life of a policy, over its RPCs.

use broker_e2e::access::policy;
use broker_e2e::client::{read, vending_policy};
use broker_e2e::{Answer, House, Provider, ask};
use broker_proto::v1::{
    AccessAction, CreateAccessPolicyRequest, ExplainAccessRequest, ExplainAccessResponse, GrantKey,
    ListAccessPoliciesRequest, ListAccessPoliciesResponse, Reason,
};
use tonic::Code;

use crate::errors::{bad_fields, refused};

async fn list(house: &House, request: ListAccessPoliciesRequest) -> ListAccessPoliciesResponse {
    house.client.admin().list_access_policies(request).await.unwrap().into_inner()
}

fn of_all() -> ListAccessPoliciesRequest {
    ListAccessPoliciesRequest { tenant_id: "*".to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_policy_is_in_force_from_its_creation_to_its_deletion() {
    let house = House::plan().enforce("").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let caller = house.client.named("jwt:ci");
    refused(caller.token(ask(&key)).await, Code::PermissionDenied, Reason::AccessDenied);

    let asked = CreateAccessPolicyRequest {
        description: "nightly export".to_owned(),
        requests_per_second: Some(0.5),
        request_id: "0190b4e2-0000-7000-8000-000000000001".to_owned(),
        ..vending_policy("jwt:ci", "acme")
    };
    let made = house.client.create_policy(asked.clone()).await.unwrap();
    assert_eq!((made.description.as_str(), made.requests_per_second), ("nightly export", Some(0.5)));
    assert_eq!(caller.token(ask(&key)).await.unwrap().generation, 1);
    assert_eq!(house.client.create_policy(asked.clone()).await.unwrap(), made, "the request is repeated");
    let again = CreateAccessPolicyRequest { request_id: String::new(), ..asked };
    refused(house.client.create_policy(again).await, Code::AlreadyExists, Reason::AlreadyExists);
    let listed = list(&house, of_all()).await.access_policies;
    assert_eq!(listed.iter().filter(|policy| !policy.configured).collect::<Vec<_>>(), [&made]);

    house.client.delete_policy(&made.policy_id).await.unwrap();
    refused(caller.token(ask(&key)).await, Code::PermissionDenied, Reason::AccessDenied);
    for absent in [made.policy_id.as_str(), "no id"] {
        refused(house.client.delete_policy(absent).await, Code::NotFound, Reason::ResourceNotFound);
    }
    house.close().await;
}

#[tokio::test]
async fn a_configured_policy_stays() {
    let house = House::plan().enforce("").open().await;
    let operator = list(&house, of_all()).await.access_policies.remove(0);
    let deleted = house.client.delete_policy(&operator.policy_id).await;
    let error = refused(deleted, Code::FailedPrecondition, Reason::ResourceInUse);
    assert!(error.message().contains("[[access.policy]]"), "{error}");
    assert_eq!(list(&house, of_all()).await.access_policies, [operator]);
    house.close().await;
}

#[tokio::test]
async fn nobody_grants_or_takes_more_than_they_administer() {
    let house = House::plan().enforce(&policy("acme-admin", &["administer"], "acme", "*")).open().await;
    let admin = house.client.named("acme-admin");
    let made = admin.create_policy(vending_policy("jwt:ci", "acme")).await.unwrap();
    for further in ["*", "rival"] {
        let answer = admin.create_policy(vending_policy("jwt:ci", further)).await;
        refused(answer, Code::PermissionDenied, Reason::AccessDenied);
    }
    let other = house.client.create_policy(vending_policy("jwt:ci", "*")).await.unwrap();
    refused(admin.delete_policy(&other.policy_id).await, Code::NotFound, Reason::ResourceNotFound);
    admin.delete_policy(&made.policy_id).await.unwrap();
    house.close().await;
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let house = House::plan().enforce("").open().await;
    for number in 0..5 {
        house.client.create_policy(vending_policy(&format!("jwt:{number}"), "acme")).await.unwrap();
    }
    let whole = list(&house, of_all()).await;
    assert_eq!((whole.access_policies.len(), whole.next_page_token.as_str()), (6, ""));
    let (mut paged, mut request) = (Vec::new(), ListAccessPoliciesRequest { page_size: 4, ..of_all() });
    loop {
        let page = list(&house, request.clone()).await;
        paged.extend(page.access_policies);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(paged, whole.access_policies);
    let of_one = ListAccessPoliciesRequest { principal: "jwt:3".to_owned(), ..of_all() };
    assert_eq!(list(&house, of_one).await.access_policies.len(), 1);
    house.close().await;
}

#[tokio::test]
async fn an_explanation_names_the_policy() {
    let observer = policy("observer", &["observe"], "acme", "*");
    let house = House::plan().enforce(&observer).open().await;
    let made = house.client.create_policy(vending_policy("jwt:*", "acme")).await.unwrap();
    let explain = async |who: &str, tenant: &str, action: AccessAction| -> Answer<ExplainAccessResponse> {
        let key = GrantKey { tenant_id: tenant.into(), provider: "evercam".into(), ..Default::default() };
        let request = ExplainAccessRequest {
            principal: "jwt:ci".to_owned(),
            action: action.into(),
            key: Some(key),
            ..Default::default()
        };
        read(house.client.named(who).admin().explain_access(request).await)
    };
    let explained = explain("observer", "acme", AccessAction::Vend).await.unwrap();
    assert_eq!((explained.allowed, explained.policy), (true, Some(made)));
    let explained = explain("observer", "acme", AccessAction::Operate).await.unwrap();
    assert_eq!((explained.allowed, explained.policy), (false, None));
    for (who, tenant) in [("observer", "rival"), ("observer", "*"), ("jwt:ci", "acme")] {
        let answer = explain(who, tenant, AccessAction::Vend).await;
        refused(answer, Code::PermissionDenied, Reason::AccessDenied);
    }
    house.close().await;
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_names_its_fields() {
    let house = House::plan().enforce("").open().await;
    let bad = CreateAccessPolicyRequest { actions: vec![], ..vending_policy("spiffe://acme*", "acme") };
    assert_eq!(bad_fields(house.client.create_policy(bad).await), ["principal", "actions"]);
    let unknown =
        CreateAccessPolicyRequest { provider: "nest".to_owned(), ..vending_policy("jwt:ci", "acme") };
    assert_eq!(bad_fields(house.client.create_policy(unknown).await), ["provider"]);
    house.close().await;
}
