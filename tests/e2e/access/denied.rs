//! Deny by default, and tell nothing by it.

use broker_e2e::access::policy;
use broker_e2e::client::{read, registration};
use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{
    GetAuthorizationRequest, GetGrantRequest, GrantKey, ListGrantsRequest, Reason, RefreshGrantRequest,
};
use tonic::{Code, Status};

use crate::errors::{bytes, refused};

#[tokio::test]
async fn what_no_policy_allows_is_denied_and_a_configured_one_works() {
    let recorder = policy("spiffe://acme/ns/prod/*", &["vend"], "acme", "evercam");
    let house = House::plan().enforce(&recorder).open().await;
    let (evercam, eagle_eye) =
        (house.consent(Provider::Evercam, "ada").await, house.consent(Provider::EagleEye, "ada").await);
    let inside = house.client.named("spiffe://acme/ns/prod/sa/recorder");

    assert_eq!(inside.token(ask(&evercam)).await.unwrap().generation, 1);
    refused(inside.token(ask(&eagle_eye)).await, Code::PermissionDenied, Reason::AccessDenied);
    refused(inside.refresh(&evercam).await, Code::PermissionDenied, Reason::AccessDenied);
    refused(inside.start(&evercam).await, Code::PermissionDenied, Reason::AccessDenied);
    for outside in ["spiffe://acme/ns/production/sa/x", "spiffe://acme/ns/prod", "jwt:ci"] {
        let answer = house.client.named(outside).token(ask(&evercam)).await;
        refused(answer, Code::PermissionDenied, Reason::AccessDenied);
    }
    house.close().await;
}

/// A tenant with a grant, one without, and none: whoever may see none of them sees no difference, to the byte.
#[tokio::test]
async fn an_absent_tenant_and_a_forbidden_one_look_the_same() {
    let house = House::plan().enforce(&policy("jwt:ci", &["vend", "observe"], "rival", "*")).open().await;
    let held = house.consent(Provider::Evercam, "ada").await;
    let started = house.client.start(&held).await.unwrap();
    house.client.create_tenant("rival").await.unwrap();
    house.client.register(registration("rival", Provider::Evercam)).await.unwrap();
    house.client.create_tenant("bare").await.unwrap();
    let caller = house.client.named("jwt:ci");

    let mut answers: Vec<Vec<Status>> = vec![Vec::new(); 6];
    for tenant in ["acme", "bare", "unknown"] {
        let tenant_id = tenant.to_owned();
        let key = GrantKey { tenant_id: tenant_id.clone(), ..held.clone() };
        let authorization = GetAuthorizationRequest {
            tenant_id: tenant_id.clone(),
            authorization_id: started.authorization_id.clone(),
        };
        let list = ListGrantsRequest { tenant_id, ..Default::default() };
        let (get, refresh) =
            (GetGrantRequest { key: Some(key.clone()) }, RefreshGrantRequest { key: Some(key.clone()) });
        answers[0].push(caller.tokens().get_access_token(ask(&key)).await.unwrap_err());
        answers[1].push(caller.admin().get_grant(get).await.unwrap_err());
        answers[2].push(caller.admin().refresh_grant(refresh).await.unwrap_err());
        answers[3].push(caller.admin().list_grants(list).await.unwrap_err());
        answers[4].push(caller.consents().get_authorization(authorization).await.unwrap_err());
        let theirs = registration(tenant, Provider::Evercam);
        answers[5].push(caller.admin().create_client_registration(theirs).await.unwrap_err());
    }
    for of_one_rpc in answers {
        let answer = read::<()>(Err(of_one_rpc[0].clone()));
        refused(answer, Code::PermissionDenied, Reason::AccessDenied);
        assert!(of_one_rpc.iter().all(|status| bytes(status) == bytes(&of_one_rpc[0])), "{of_one_rpc:?}");
    }

    let theirs = GrantKey { tenant_id: "rival".to_owned(), ..held };
    refused(caller.token(ask(&theirs)).await, Code::NotFound, Reason::GrantNotFound);
    house.close().await;
}

#[tokio::test]
async fn a_list_of_everything_needs_a_policy_for_everything() {
    let observers = [
        policy("for-acme", &["observe"], "acme", "*"),
        policy("at-evercam", &["observe"], "acme", "evercam"),
        policy("for-all", &["observe"], "*", "*"),
    ];
    let house = House::plan().enforce(&observers.concat()).open().await;
    let list = |provider: &str| ListGrantsRequest {
        tenant_id: "acme".to_owned(),
        provider: provider.to_owned(),
        ..Default::default()
    };
    let policies = |tenant: &str| broker_proto::v1::ListAccessPoliciesRequest {
        tenant_id: tenant.to_owned(),
        ..Default::default()
    };
    for (who, at_evercam, anywhere, of_acme, of_all) in [
        ("for-acme", true, true, true, false),
        ("at-evercam", true, false, false, false),
        ("for-all", true, true, true, true),
    ] {
        let mut admin = house.client.named(who).admin();
        assert_eq!(admin.list_grants(list("evercam")).await.is_ok(), at_evercam, "{who}");
        assert_eq!(admin.list_grants(list("")).await.is_ok(), anywhere, "{who}");
        assert_eq!(admin.list_access_policies(policies("acme")).await.is_ok(), of_acme, "{who}");
        assert_eq!(admin.list_access_policies(policies("*")).await.is_ok(), of_all, "{who}");
    }
    house.close().await;
}

#[tokio::test]
async fn where_callers_are_not_checked_everybody_may_do_everything_unless_a_mode_is_set() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    house.client.named("anybody").refresh(&key).await.unwrap();
    let policies =
        broker_proto::v1::ListAccessPoliciesRequest { tenant_id: "*".to_owned(), ..Default::default() };
    let listed =
        house.client.admin().list_access_policies(policies).await.unwrap().into_inner().access_policies;
    assert!(listed.len() == 1 && listed[0].configured && listed[0].principal == "*", "{listed:?}");
    house.close().await;
}
