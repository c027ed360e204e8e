//! ConsentService: users' consent, handed over by product back ends.

use std::sync::Arc;

use broker_core::{
    Asked, AuthorizationId, Broker, BrokerError, Grant, Hosting, RegistrationId, StartRequest,
};
use broker_proto::v1::consent_service_server::ConsentService;
use broker_proto::v1::{
    CompleteAuthorizationRequest, CompleteAuthorizationResponse, GetAuthorizationRequest,
    GetAuthorizationResponse, ImportGrantRequest, ImportGrantResponse, RevokeGrantRequest,
    RevokeGrantResponse, StartAuthorizationRequest, StartAuthorizationResponse,
    StartDeviceAuthorizationRequest, StartDeviceAuthorizationResponse,
};
use tonic::{Request, Response, Status};

use super::access::{Call, Guard};
use super::completion::{self, Completion};
use super::request::{Fields, grant_key};
use super::status::Statuses;
use super::{deadline, import, message};
use crate::config::PublicUrl;

pub(super) struct ConsentApi {
    broker: Arc<Broker>,
    guard: Guard,
    statuses: Statuses,
    public_url: Option<PublicUrl>,
}

impl ConsentApi {
    pub(super) fn new(
        broker: Arc<Broker>,
        guard: Guard,
        statuses: Statuses,
        public_url: Option<PublicUrl>,
    ) -> Self {
        Self { broker, guard, statuses, public_url }
    }

    /// The grant was made: an answer that does not say who shares its account is better than none.
    async fn shared(&self, grant: &Grant) -> broker_proto::v1::Grant {
        message::shared_grant(grant, self.broker.account_sharers(grant).await.unwrap_or(0))
    }
}

#[tonic::async_trait]
impl ConsentService for ConsentApi {
    async fn start_authorization(
        &self,
        request: Request<StartAuthorizationRequest>,
    ) -> Result<Response<StartAuthorizationResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let start = self.read_start(request.into_inner(), &call).map_err(|error| self.statuses.of(&error))?;
        let started = self
            .broker
            .start_authorization(&start, call.actor())
            .await
            .map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            principal = %call.principal(), tenant = %start.key.tenant, provider = %start.key.provider,
            authorization = %started.id, "authorization started"
        );
        Ok(Response::new(StartAuthorizationResponse {
            authorization_id: started.id.to_string(),
            authorization_url: started.url,
            expire_time: Some(message::timestamp(started.expires_at)),
        }))
    }

    async fn complete_authorization(
        &self,
        request: Request<CompleteAuthorizationRequest>,
    ) -> Result<Response<CompleteAuthorizationResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let wait = deadline::wait(request.metadata());
        let completion =
            completion::read(request.into_inner(), wait, &call).map_err(|error| self.statuses.of(&error))?;
        let grant = match completion {
            Completion::OfProduct(complete) => {
                self.broker.complete_authorization(&complete, call.actor()).await
            }
            Completion::OfBroker(complete) => self.broker.complete_hosted(&complete, call.actor()).await,
        };
        let grant = grant.map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            principal = %call.principal(), tenant = %grant.key.tenant, provider = %grant.key.provider, grant = %grant.id,
            generation = grant.generation.get(), "authorization completed"
        );
        let grant = self.shared(&grant).await;
        Ok(Response::new(CompleteAuthorizationResponse { grant: Some(grant) }))
    }

    async fn import_grant(
        &self,
        request: Request<ImportGrantRequest>,
    ) -> Result<Response<ImportGrantResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let wait = deadline::wait(request.metadata());
        let read =
            import::read(request.into_inner(), wait, &call).map_err(|error| self.statuses.of(&error))?;
        let key = read.key.clone();
        let grant = self.broker.import_grant(read, call.actor()).await;
        let grant = grant.map_err(|error| self.statuses.about(&error, Some(&key)))?;
        tracing::info!(
            principal = %call.principal(), tenant = %grant.key.tenant, provider = %grant.key.provider, grant = %grant.id,
            generation = grant.generation.get(), "grant imported"
        );
        let grant = self.shared(&grant).await;
        Ok(Response::new(ImportGrantResponse { grant: Some(grant) }))
    }

    async fn start_device_authorization(
        &self,
        request: Request<StartDeviceAuthorizationRequest>,
    ) -> Result<Response<StartDeviceAuthorizationResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let start = self.read_start(of_device(request.into_inner()), &call);
        let start = start.map_err(|error| self.statuses.of(&error))?;
        let started = self.broker.start_device_authorization(&start, call.actor()).await;
        let started = started.map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            principal = %call.principal(), tenant = %start.key.tenant, provider = %start.key.provider,
            authorization = %started.id, "device authorization started"
        );
        Ok(Response::new(message::device_started(&started)))
    }

    async fn get_authorization(
        &self,
        request: Request<GetAuthorizationRequest>,
    ) -> Result<Response<GetAuthorizationResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let tenant = fields.tenant(&message.tenant_id);
        let tenant = fields.finish(tenant).map_err(|error| self.statuses.of(&error))?;
        let permit = call.admit(Asked::One(&tenant), Asked::Unknown);
        let permit = permit.map_err(|error| self.statuses.of(&error))?;
        // What is no id of ours names nothing of ours.
        let id = AuthorizationId::parse(&message.authorization_id)
            .ok_or_else(|| self.statuses.of(&BrokerError::AuthorizationNotFound))?;
        let found = self.broker.authorization(&tenant, id, &permit).await;
        let found = found.map_err(|error| self.statuses.of(&error))?;
        let late = self.broker.is_late(&found);
        Ok(Response::new(message::authorization(&found, late)))
    }

    async fn revoke_grant(
        &self,
        request: Request<RevokeGrantRequest>,
    ) -> Result<Response<RevokeGrantResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let key = grant_key(request.into_inner().key).map_err(|error| self.statuses.of(&error))?;
        call.admit_to(&key).map_err(|error| self.statuses.of(&error))?;
        let grant =
            self.broker.revoke_grant(&key, call.actor()).await.map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            principal = %call.principal(), tenant = %key.tenant, provider = %key.provider, grant = %grant.id,
            "grant revoked"
        );
        Ok(Response::new(RevokeGrantResponse { grant: Some(message::grant(&grant)) }))
    }
}

/// The same request, but for what only a browser needs.
fn of_device(message: StartDeviceAuthorizationRequest) -> StartAuthorizationRequest {
    StartAuthorizationRequest {
        tenant_id: message.tenant_id,
        provider: message.provider,
        user_id: message.user_id,
        account: message.account,
        scopes: message.scopes,
        allow_account_change: message.allow_account_change,
        registration_id: message.registration_id,
        ..Default::default()
    }
}

impl ConsentApi {
    fn read_start(
        &self,
        message: StartAuthorizationRequest,
        call: &Call<'_>,
    ) -> Result<StartRequest, BrokerError> {
        let mut fields = Fields::default();
        let key = fields.key(&message.tenant_id, &message.provider, &message.user_id, &message.account);
        let registration =
            fields.optional_name("registration_id", &message.registration_id, RegistrationId::new);
        fields.at_most("login_hint", &message.login_hint, 256);
        fields.scopes("scopes", &message.scopes);
        let key = fields.finish(key)?;
        let permit = call.admit_to(&key)?;
        let (scopes, allow_account_change) = (message.scopes, message.allow_account_change);
        let login_hint = Some(message.login_hint).filter(|hint| !hint.is_empty());
        let hosting = Hosting {
            page: self.public_url.as_ref().map(|url| url.callback(key.provider.as_str())),
            return_to: Some(message.return_to).filter(|return_to| !return_to.is_empty()),
        };
        Ok(StartRequest { key, registration, scopes, login_hint, allow_account_change, hosting, permit })
    }
}
