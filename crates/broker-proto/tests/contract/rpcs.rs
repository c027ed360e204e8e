use std::collections::BTreeSet;

use prost_reflect::MethodDescriptor;

use crate::reflection::pool;

const TOKEN: &[&str] =
    &["GetAccessToken", "BatchGetAccessTokens", "WatchAccessTokens", "ReportRejectedToken"];

const CONSENT: &[&str] = &[
    "StartAuthorization",
    "CompleteAuthorization",
    "StartDeviceAuthorization",
    "GetAuthorization",
    "ImportGrant",
    "RevokeGrant",
];

const ADMIN: &[&str] = &[
    "CreateTenant",
    "GetTenant",
    "ListTenants",
    "UpdateTenant",
    "DeleteTenant",
    "CreateClientRegistration",
    "GetClientRegistration",
    "ListClientRegistrations",
    "UpdateClientRegistration",
    "DeleteClientRegistration",
    "AddClientSecret",
    "RetireClientSecret",
    "TestClientRegistration",
    "CreateAccessPolicy",
    "ListAccessPolicies",
    "DeleteAccessPolicy",
    "ExplainAccess",
    "ListGrants",
    "GetGrant",
    "RefreshGrant",
    "ListAtRiskGrants",
    "RevokeGrants",
    "ListKeys",
    "RotateKeys",
    "GetKeyRotation",
    "ListKeyRotations",
    "RetireKey",
    "GetSchedulerStatus",
    "PauseRefresh",
    "ResumeRefresh",
    "ListProviders",
    "ListAuditEvents",
    "VerifyAuditLog",
    "CreateWebhook",
    "GetWebhook",
    "ListWebhooks",
    "UpdateWebhook",
    "DeleteWebhook",
    "RotateWebhookSecret",
    "RedeliverWebhook",
    "CreateMachineCredential",
    "GetMachineCredential",
    "ListMachineCredentials",
    "RotateMachineCredential",
    "DeleteMachineCredential",
];

const EVENT: &[&str] = &["WatchEvents"];

#[test]
fn every_service_has_exactly_its_rpcs() {
    let pool = pool();
    for (service, rpcs) in [
        ("TokenService", TOKEN),
        ("ConsentService", CONSENT),
        ("AdminService", ADMIN),
        ("EventService", EVENT),
    ] {
        let service = pool.get_service_by_name(&format!("tokenbroker.v1.{service}")).unwrap();
        let methods: Vec<MethodDescriptor> = service.methods().collect();
        let found: BTreeSet<&str> = methods.iter().map(MethodDescriptor::name).collect();
        assert_eq!(found, rpcs.iter().copied().collect(), "{}", service.name());
    }
}

#[test]
fn only_watches_stream() {
    for method in pool().services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        assert!(!method.is_client_streaming(), "{}", method.name());
        assert_eq!(method.is_server_streaming(), method.name().starts_with("Watch"), "{}", method.name());
    }
}

#[test]
fn lists_have_pages_and_no_total() {
    for method in pool().services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        if !method.name().starts_with("List") {
            continue;
        }
        let (request, response) = (method.input(), method.output());
        for field in ["page_size", "page_token"] {
            assert!(request.get_field_by_name(field).is_some(), "{}.{field}", request.name());
        }
        assert!(response.get_field_by_name("next_page_token").is_some(), "{}", response.name());
        assert!(response.get_field_by_name("total_size").is_none(), "{}", response.name());
    }
}

#[test]
fn updates_name_what_they_change_and_the_version_they_saw() {
    for message in pool().all_messages() {
        if message.package_name() == "tokenbroker.v1"
            && message.name().starts_with("Update")
            && message.name().ends_with("Request")
        {
            for field in ["update_mask", "etag"] {
                assert!(message.get_field_by_name(field).is_some(), "{}.{field}", message.name());
            }
        }
    }
}
