//! A broker that remembers what it was asked and answers what it was told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use broker_proto::v1::admin_service_server::{AdminService, AdminServiceServer};
use broker_proto::v1::consent_service_server::{ConsentService, ConsentServiceServer};
use broker_proto::v1::token_service_server::{TokenService, TokenServiceServer};
use broker_proto::v1::*;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;

/// One conversation: the answers still to give, and the requests received.
#[derive(Debug)]
pub(crate) struct Script<Q, A> {
    answers: Mutex<VecDeque<Result<A, Status>>>,
    requests: Mutex<Vec<Q>>,
    credentials: Mutex<Vec<Credentials>>,
}

/// What the caller showed along with a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Credentials {
    pub(crate) authorization: Option<String>,
    pub(crate) certificate: bool,
}

impl<Q, A> Default for Script<Q, A> {
    fn default() -> Self {
        Self { answers: Mutex::default(), requests: Mutex::default(), credentials: Mutex::default() }
    }
}

impl<Q, A> Script<Q, A> {
    pub(crate) fn will_answer(&self, answer: Result<A, Status>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    pub(crate) fn requests(&self) -> Vec<Q>
    where
        Q: Clone,
    {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn credentials(&self) -> Vec<Credentials> {
        self.credentials.lock().unwrap().clone()
    }

    fn play(&self, request: Request<Q>) -> Result<Response<A>, Status> {
        assert!(request.metadata().contains_key("grpc-timeout"), "the broker is not told the deadline");
        let authorization = request.metadata().get("authorization");
        self.credentials.lock().unwrap().push(Credentials {
            authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
            certificate: request.peer_certs().is_some_and(|certificates| !certificates.is_empty()),
        });
        self.requests.lock().unwrap().push(request.into_inner());
        let answer = self.answers.lock().unwrap().pop_front();
        answer.unwrap_or_else(|| Err(Status::internal("the script is over"))).map(Response::new)
    }
}

#[derive(Default)]
pub(crate) struct Scripts {
    pub(crate) get_access_token: Script<GetAccessTokenRequest, GetAccessTokenResponse>,
    pub(crate) start_authorization: Script<StartAuthorizationRequest, StartAuthorizationResponse>,
    pub(crate) start_device_authorization:
        Script<StartDeviceAuthorizationRequest, StartDeviceAuthorizationResponse>,
    pub(crate) complete_authorization: Script<CompleteAuthorizationRequest, CompleteAuthorizationResponse>,
    pub(crate) get_authorization: Script<GetAuthorizationRequest, GetAuthorizationResponse>,
    pub(crate) import_grant: Script<ImportGrantRequest, ImportGrantResponse>,
    pub(crate) create_tenant: Script<CreateTenantRequest, CreateTenantResponse>,
    pub(crate) create_client_registration:
        Script<CreateClientRegistrationRequest, CreateClientRegistrationResponse>,
    pub(crate) create_access_policy: Script<CreateAccessPolicyRequest, CreateAccessPolicyResponse>,
    pub(crate) list_access_policies: Script<ListAccessPoliciesRequest, ListAccessPoliciesResponse>,
    pub(crate) delete_access_policy: Script<DeleteAccessPolicyRequest, DeleteAccessPolicyResponse>,
    pub(crate) explain_access: Script<ExplainAccessRequest, ExplainAccessResponse>,
    pub(crate) list_grants: Script<ListGrantsRequest, ListGrantsResponse>,
    pub(crate) list_at_risk_grants: Script<ListAtRiskGrantsRequest, ListAtRiskGrantsResponse>,
    pub(crate) get_grant: Script<GetGrantRequest, GetGrantResponse>,
    pub(crate) refresh_grant: Script<RefreshGrantRequest, RefreshGrantResponse>,
    pub(crate) get_tenant: Script<GetTenantRequest, GetTenantResponse>,
    pub(crate) list_tenants: Script<ListTenantsRequest, ListTenantsResponse>,
    pub(crate) update_tenant: Script<UpdateTenantRequest, UpdateTenantResponse>,
    pub(crate) get_client_registration: Script<GetClientRegistrationRequest, GetClientRegistrationResponse>,
    pub(crate) list_client_registrations:
        Script<ListClientRegistrationsRequest, ListClientRegistrationsResponse>,
    pub(crate) update_client_registration:
        Script<UpdateClientRegistrationRequest, UpdateClientRegistrationResponse>,
    pub(crate) delete_client_registration:
        Script<DeleteClientRegistrationRequest, DeleteClientRegistrationResponse>,
    pub(crate) test_client_registration:
        Script<TestClientRegistrationRequest, TestClientRegistrationResponse>,
    pub(crate) add_client_secret: Script<AddClientSecretRequest, AddClientSecretResponse>,
    pub(crate) retire_client_secret: Script<RetireClientSecretRequest, RetireClientSecretResponse>,
    pub(crate) get_scheduler_status: Script<GetSchedulerStatusRequest, GetSchedulerStatusResponse>,
    pub(crate) pause_refresh: Script<PauseRefreshRequest, PauseRefreshResponse>,
    pub(crate) resume_refresh: Script<ResumeRefreshRequest, ResumeRefreshResponse>,
    pub(crate) list_providers: Script<ListProvidersRequest, ListProvidersResponse>,
    pub(crate) revoke_grant: Script<RevokeGrantRequest, RevokeGrantResponse>,
    pub(crate) delete_tenant: Script<DeleteTenantRequest, DeleteTenantResponse>,
    pub(crate) revoke_grants: Script<RevokeGrantsRequest, RevokeGrantsResponse>,
    pub(crate) list_keys: Script<ListKeysRequest, ListKeysResponse>,
    pub(crate) rotate_keys: Script<RotateKeysRequest, RotateKeysResponse>,
    pub(crate) get_key_rotation: Script<GetKeyRotationRequest, GetKeyRotationResponse>,
    pub(crate) list_key_rotations: Script<ListKeyRotationsRequest, ListKeyRotationsResponse>,
    pub(crate) retire_key: Script<RetireKeyRequest, RetireKeyResponse>,
    pub(crate) create_machine_credential:
        Script<CreateMachineCredentialRequest, CreateMachineCredentialResponse>,
    pub(crate) list_machine_credentials:
        Script<ListMachineCredentialsRequest, ListMachineCredentialsResponse>,
    pub(crate) create_webhook: Script<CreateWebhookRequest, CreateWebhookResponse>,
    pub(crate) list_webhooks: Script<ListWebhooksRequest, ListWebhooksResponse>,
    pub(crate) update_webhook: Script<UpdateWebhookRequest, UpdateWebhookResponse>,
    pub(crate) redeliver_webhook: Script<RedeliverWebhookRequest, RedeliverWebhookResponse>,
}

/// Serves until it is dropped.
pub(crate) struct FakeBroker {
    scheme: &'static str,
    address: SocketAddr,
    pub(crate) scripts: Arc<Scripts>,
    _server: JoinSet<Result<(), tonic::transport::Error>>,
}

impl FakeBroker {
    pub(crate) async fn start() -> Self {
        Self::start_with_health(ServingStatus::Serving).await
    }

    pub(crate) async fn start_with_health(status: ServingStatus) -> Self {
        Self::start_as(status, None).await
    }

    /// Speaks TLS, at an endpoint of its own.
    pub(crate) async fn start_with_tls(tls: ServerTlsConfig) -> Self {
        Self::start_as(ServingStatus::Serving, Some(tls)).await
    }

    async fn start_as(status: ServingStatus, tls: Option<ServerTlsConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scripts = Arc::<Scripts>::default();
        let (reporter, health) = tonic_health::server::health_reporter();
        for service in ["", "tokenbroker.v1.TokenService"] {
            reporter.set_service_status(service, status).await;
        }
        let mut routes = Routes::new(health);
        routes = routes.add_service(TokenServiceServer::from_arc(scripts.clone()));
        routes = routes.add_service(ConsentServiceServer::from_arc(scripts.clone()));
        routes = routes.add_service(AdminServiceServer::from_arc(scripts.clone()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut server = Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls).unwrap();
        }
        let server = server.add_routes(routes);
        let mut tasks = JoinSet::new();
        tasks.spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { scheme, address, scripts, _server: tasks }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }
}

type Answer<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl TokenService for Scripts {
    async fn get_access_token(
        &self,
        request: Request<GetAccessTokenRequest>,
    ) -> Answer<GetAccessTokenResponse> {
        self.get_access_token.play(request)
    }
}

#[tonic::async_trait]
impl ConsentService for Scripts {
    async fn start_authorization(
        &self,
        request: Request<StartAuthorizationRequest>,
    ) -> Answer<StartAuthorizationResponse> {
        self.start_authorization.play(request)
    }

    async fn start_device_authorization(
        &self,
        request: Request<StartDeviceAuthorizationRequest>,
    ) -> Answer<StartDeviceAuthorizationResponse> {
        self.start_device_authorization.play(request)
    }

    async fn complete_authorization(
        &self,
        request: Request<CompleteAuthorizationRequest>,
    ) -> Answer<CompleteAuthorizationResponse> {
        self.complete_authorization.play(request)
    }

    async fn get_authorization(
        &self,
        request: Request<GetAuthorizationRequest>,
    ) -> Answer<GetAuthorizationResponse> {
        self.get_authorization.play(request)
    }

    async fn import_grant(&self, request: Request<ImportGrantRequest>) -> Answer<ImportGrantResponse> {
        self.import_grant.play(request)
    }

    async fn revoke_grant(&self, request: Request<RevokeGrantRequest>) -> Answer<RevokeGrantResponse> {
        self.revoke_grant.play(request)
    }
}

#[tonic::async_trait]
impl AdminService for Scripts {
    async fn create_tenant(&self, request: Request<CreateTenantRequest>) -> Answer<CreateTenantResponse> {
        self.create_tenant.play(request)
    }

    async fn delete_tenant(&self, request: Request<DeleteTenantRequest>) -> Answer<DeleteTenantResponse> {
        self.delete_tenant.play(request)
    }

    async fn create_client_registration(
        &self,
        request: Request<CreateClientRegistrationRequest>,
    ) -> Answer<CreateClientRegistrationResponse> {
        self.create_client_registration.play(request)
    }

    async fn create_access_policy(
        &self,
        request: Request<CreateAccessPolicyRequest>,
    ) -> Answer<CreateAccessPolicyResponse> {
        self.create_access_policy.play(request)
    }

    async fn list_access_policies(
        &self,
        request: Request<ListAccessPoliciesRequest>,
    ) -> Answer<ListAccessPoliciesResponse> {
        self.list_access_policies.play(request)
    }

    async fn delete_access_policy(
        &self,
        request: Request<DeleteAccessPolicyRequest>,
    ) -> Answer<DeleteAccessPolicyResponse> {
        self.delete_access_policy.play(request)
    }

    async fn explain_access(&self, request: Request<ExplainAccessRequest>) -> Answer<ExplainAccessResponse> {
        self.explain_access.play(request)
    }

    async fn list_at_risk_grants(
        &self,
        request: Request<ListAtRiskGrantsRequest>,
    ) -> Answer<ListAtRiskGrantsResponse> {
        self.list_at_risk_grants.play(request)
    }

    async fn list_grants(&self, request: Request<ListGrantsRequest>) -> Answer<ListGrantsResponse> {
        self.list_grants.play(request)
    }

    async fn get_grant(&self, request: Request<GetGrantRequest>) -> Answer<GetGrantResponse> {
        self.get_grant.play(request)
    }

    async fn refresh_grant(&self, request: Request<RefreshGrantRequest>) -> Answer<RefreshGrantResponse> {
        self.refresh_grant.play(request)
    }
    async fn get_tenant(&self, request: Request<GetTenantRequest>) -> Answer<GetTenantResponse> {
        self.get_tenant.play(request)
    }

    async fn list_tenants(&self, request: Request<ListTenantsRequest>) -> Answer<ListTenantsResponse> {
        self.list_tenants.play(request)
    }

    async fn update_tenant(&self, request: Request<UpdateTenantRequest>) -> Answer<UpdateTenantResponse> {
        self.update_tenant.play(request)
    }

    async fn get_client_registration(
        &self,
        request: Request<GetClientRegistrationRequest>,
    ) -> Answer<GetClientRegistrationResponse> {
        self.get_client_registration.play(request)
    }

    async fn list_client_registrations(
        &self,
        request: Request<ListClientRegistrationsRequest>,
    ) -> Answer<ListClientRegistrationsResponse> {
        self.list_client_registrations.play(request)
    }

    async fn update_client_registration(
        &self,
        request: Request<UpdateClientRegistrationRequest>,
    ) -> Answer<UpdateClientRegistrationResponse> {
        self.update_client_registration.play(request)
    }

    async fn delete_client_registration(
        &self,
        request: Request<DeleteClientRegistrationRequest>,
    ) -> Answer<DeleteClientRegistrationResponse> {
        self.delete_client_registration.play(request)
    }

    async fn test_client_registration(
        &self,
        request: Request<TestClientRegistrationRequest>,
    ) -> Answer<TestClientRegistrationResponse> {
        self.test_client_registration.play(request)
    }

    async fn add_client_secret(
        &self,
        request: Request<AddClientSecretRequest>,
    ) -> Answer<AddClientSecretResponse> {
        self.add_client_secret.play(request)
    }

    async fn create_webhook(&self, request: Request<CreateWebhookRequest>) -> Answer<CreateWebhookResponse> {
        self.create_webhook.play(request)
    }

    async fn list_webhooks(&self, request: Request<ListWebhooksRequest>) -> Answer<ListWebhooksResponse> {
        self.list_webhooks.play(request)
    }

    async fn update_webhook(&self, request: Request<UpdateWebhookRequest>) -> Answer<UpdateWebhookResponse> {
        self.update_webhook.play(request)
    }

    async fn redeliver_webhook(
        &self,
        request: Request<RedeliverWebhookRequest>,
    ) -> Answer<RedeliverWebhookResponse> {
        self.redeliver_webhook.play(request)
    }

    async fn create_machine_credential(
        &self,
        request: Request<CreateMachineCredentialRequest>,
    ) -> Answer<CreateMachineCredentialResponse> {
        self.create_machine_credential.play(request)
    }

    async fn list_machine_credentials(
        &self,
        request: Request<ListMachineCredentialsRequest>,
    ) -> Answer<ListMachineCredentialsResponse> {
        self.list_machine_credentials.play(request)
    }

    async fn retire_client_secret(
        &self,
        request: Request<RetireClientSecretRequest>,
    ) -> Answer<RetireClientSecretResponse> {
        self.retire_client_secret.play(request)
    }

    async fn get_scheduler_status(
        &self,
        request: Request<GetSchedulerStatusRequest>,
    ) -> Answer<GetSchedulerStatusResponse> {
        self.get_scheduler_status.play(request)
    }

    async fn pause_refresh(&self, request: Request<PauseRefreshRequest>) -> Answer<PauseRefreshResponse> {
        self.pause_refresh.play(request)
    }

    async fn resume_refresh(&self, request: Request<ResumeRefreshRequest>) -> Answer<ResumeRefreshResponse> {
        self.resume_refresh.play(request)
    }

    async fn list_providers(&self, request: Request<ListProvidersRequest>) -> Answer<ListProvidersResponse> {
        self.list_providers.play(request)
    }

    async fn revoke_grants(&self, request: Request<RevokeGrantsRequest>) -> Answer<RevokeGrantsResponse> {
        self.revoke_grants.play(request)
    }

    async fn list_keys(&self, request: Request<ListKeysRequest>) -> Answer<ListKeysResponse> {
        self.list_keys.play(request)
    }

    async fn rotate_keys(&self, request: Request<RotateKeysRequest>) -> Answer<RotateKeysResponse> {
        self.rotate_keys.play(request)
    }

    async fn get_key_rotation(
        &self,
        request: Request<GetKeyRotationRequest>,
    ) -> Answer<GetKeyRotationResponse> {
        self.get_key_rotation.play(request)
    }

    async fn list_key_rotations(
        &self,
        request: Request<ListKeyRotationsRequest>,
    ) -> Answer<ListKeyRotationsResponse> {
        self.list_key_rotations.play(request)
    }

    async fn retire_key(&self, request: Request<RetireKeyRequest>) -> Answer<RetireKeyResponse> {
        self.retire_key.play(request)
    }
}
