//! An Envoy that shows a certificate.

use std::fs;

use broker_e2e::client::registration;
use broker_e2e::{Provider, house::TENANT};
use broker_proto::external_authorization::authorization_client::AuthorizationClient;
use broker_proto::v1::admin_service_client::AdminServiceClient;
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::consent_service_client::ConsentServiceClient;
use broker_proto::v1::{
    CompleteAuthorizationRequest, CreateTenantRequest, GrantKey, ListAuditEventsRequest,
    StartAuthorizationRequest,
};
use provider_sim::{EvercamConfig, Simulator};
use tonic::Code;
use tonic::transport::Channel;

use super::RECORDER;
use super::setting::Setting;
use crate::ext_authz::{CHECK, denied, headers, ok, request};
use broker_e2e::authority::Authority;

pub(super) const ENVOY: &str = "spiffe://prod.example/envoy";

#[tokio::test]
async fn its_certificate_says_who_it_is_and_it_says_whom_it_has_verified() {
    let authority = Authority::new();
    let simulator = Simulator::evercam(EvercamConfig::demo()).bind("127.0.0.1:0").await.unwrap();
    let setting = start(&authority, &simulator, &[ENVOY]).await;
    let line = |id: &str| setting.caller().with_identity(authority.workload(id)).channel(setting.grpc());
    let operator = line("spiffe://prod.example/operator");
    let key = consent(&operator).await;

    let mut envoy = AuthorizationClient::new(line(ENVOY));
    let answer = ok(envoy.check(request(&key, RECORDER)).await.unwrap().into_inner());
    assert!(headers(&answer.headers)["authorization"].starts_with("Bearer "));
    let (status, reason, _) = denied(envoy.check(request(&key, "")).await.unwrap().into_inner());
    assert_eq!((status, reason.as_str()), (403, "CALLER_UNKNOWN"));
    let mut other = AuthorizationClient::new(line("spiffe://prod.example/other"));
    ok(other.check(request(&key, RECORDER)).await.unwrap().into_inner());
    let mut nobody = AuthorizationClient::new(setting.caller().channel(setting.grpc()));
    assert_eq!(nobody.check(request(&key, RECORDER)).await.unwrap_err().code(), Code::Unauthenticated);

    assert_eq!(callers(&operator, TENANT).await, [ENVOY, "spiffe://prod.example/other", RECORDER]);
    assert_eq!(callers(&operator, "").await.iter().filter(|name| *name == "anonymous").count(), 1);
    setting.end().await;
    simulator.shutdown().await;
}

/// A broker that answers Envoy, in front of a simulator.
pub(super) async fn start(
    authority: &Authority,
    simulator: &provider_sim::Running,
    trusted: &[&str],
) -> Setting {
    Setting::start(|at| {
        fs::write(at.join("bundle.pem"), authority.pem()).unwrap();
        let (at, evercam) = (at.display(), simulator.base_url());
        let sections = format!(
            "[auth]\nmode = \"mtls\"\n[[auth.mtls]]\ntrust_domain = \"prod.example\"\n\
             bundle_file = \"{at}/bundle.pem\"\n[ext_authz]\nenabled = true\n\
             trust_source_principal_from = {trusted:?}\n[providers.evercam]\n\
             authorize_url = \"{evercam}/oauth/authorize\"\ntoken_url = \"{evercam}/oauth/token\"\n"
        );
        (sections, String::new())
    })
    .await
}

/// Walks a user through consent.
pub(super) async fn consent(operator: &Channel) -> GrantKey {
    let mut admin = AdminServiceClient::new(operator.clone());
    let tenant = CreateTenantRequest { tenant_id: TENANT.to_owned(), ..Default::default() };
    admin.create_tenant(tenant).await.unwrap();
    admin.create_client_registration(registration(TENANT, Provider::Evercam)).await.unwrap();
    let key = GrantKey {
        tenant_id: TENANT.to_owned(),
        provider: Provider::Evercam.name().to_owned(),
        user_id: "ada".to_owned(),
        account: String::new(),
    };
    let start = StartAuthorizationRequest {
        tenant_id: key.tenant_id.clone(),
        provider: key.provider.clone(),
        user_id: key.user_id.clone(),
        ..Default::default()
    };
    let mut consents = ConsentServiceClient::new(operator.clone());
    let url = consents.start_authorization(start).await.unwrap().into_inner().authorization_url;
    let callback = Provider::Evercam.person().approve(&url).await.unwrap();
    let complete = CompleteAuthorizationRequest {
        tenant_id: key.tenant_id.clone(),
        user_id: key.user_id.clone(),
        callback: Some(Callback::CallbackUrl(callback)),
    };
    consents.complete_authorization(complete).await.unwrap();
    key
}

/// Who the records of checks name, in the order of their names.
async fn callers(operator: &Channel, tenant: &str) -> Vec<String> {
    let request = ListAuditEventsRequest { tenant_id: tenant.to_owned(), ..Default::default() };
    let answer = AdminServiceClient::new(operator.clone()).list_audit_events(request).await.unwrap();
    let records = answer.into_inner().audit_events.into_iter();
    let mut callers: Vec<_> =
        records.filter(|record| record.action == CHECK).map(|record| record.principal).collect();
    callers.sort();
    callers
}
