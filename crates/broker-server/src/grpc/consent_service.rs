//! ConsentService: users' consent, handed over by product back ends.

use std::sync::Arc;
use std::time::Duration;

use broker_core::{
    Asked, AuthorizationId, Broker, BrokerError, CompleteRequest, RegistrationId, StartRequest, UserId,
};
use broker_crypto::CallbackUrl;
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::consent_service_server::ConsentService;
use broker_proto::v1::{
    CompleteAuthorizationRequest, CompleteAuthorizationResponse, GetAuthorizationRequest,
    GetAuthorizationResponse, RevokeGrantRequest, RevokeGrantResponse, StartAuthorizationRequest,
    StartAuthorizationResponse,
};
use tonic::{Request, Response, Status};

use super::access::{Call, Guard};
use super::request::{Fields, grant_key};
use super::status::Statuses;
use super::{deadline, message};

const LONGEST_CALLBACK: usize = 16 * 1024;

pub(super) struct ConsentApi {
    broker: Arc<Broker>,
    guard: Guard,
    statuses: Statuses,
}

impl ConsentApi {
    pub(super) fn new(broker: Arc<Broker>, guard: Guard, statuses: Statuses) -> Self {
        Self { broker, guard, statuses }
    }
}

#[tonic::async_trait]
impl ConsentService for ConsentApi {
    async fn start_authorization(
        &self,
        request: Request<StartAuthorizationRequest>,
    ) -> Result<Response<StartAuthorizationResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        if !request.get_ref().return_to.is_empty() {
            return Err(Status::unimplemented(
                "the broker hosts no callback page yet, which `return_to` is for; leave it empty",
            ));
        }
        let start = read_start(request.into_inner(), &call).map_err(|error| self.statuses.of(&error))?;
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
        if matches!(request.get_ref().callback, Some(Callback::HostedCallback(_))) {
            return Err(Status::unimplemented(
                "the broker hosts no callback page yet; hand over `callback_url`",
            ));
        }
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let wait = deadline::wait(request.metadata());
        let complete =
            read_complete(request.into_inner(), wait, &call).map_err(|error| self.statuses.of(&error))?;
        let grant = self
            .broker
            .complete_authorization(&complete, call.actor())
            .await
            .map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            principal = %call.principal(), tenant = %grant.key.tenant, provider = %grant.key.provider, grant = %grant.id,
            generation = grant.generation.get(), "authorization completed"
        );
        Ok(Response::new(CompleteAuthorizationResponse { grant: Some(message::grant(&grant)) }))
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

fn read_start(message: StartAuthorizationRequest, call: &Call<'_>) -> Result<StartRequest, BrokerError> {
    let mut fields = Fields::default();
    let key = fields.key(&message.tenant_id, &message.provider, &message.user_id, &message.account);
    let registration = fields.optional_name("registration_id", &message.registration_id, RegistrationId::new);
    fields.at_most("login_hint", &message.login_hint, 256);
    fields.scopes("scopes", &message.scopes);
    let key = fields.finish(key)?;
    let permit = call.admit_to(&key)?;
    let login_hint = Some(message.login_hint).filter(|hint| !hint.is_empty());
    Ok(StartRequest { key, registration, scopes: message.scopes, login_hint, permit })
}

fn read_complete(
    message: CompleteAuthorizationRequest,
    wait: Option<Duration>,
    call: &Call<'_>,
) -> Result<CompleteRequest, BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let user = fields.name("user_id", &message.user_id, UserId::new);
    let callback_url = match message.callback {
        Some(Callback::CallbackUrl(url)) => url,
        Some(Callback::HostedCallback(_)) | None => String::new(),
    };
    if callback_url.is_empty() {
        fields.violation("callback_url", "must be set: the full URL the provider sent the browser to");
    }
    fields.at_most("callback_url", &callback_url, LONGEST_CALLBACK);
    let (tenant, user) = fields.finish(tenant.zip(user))?;
    // Only the state tells where it was started.
    let permit = call.admit(Asked::One(&tenant), Asked::Unknown)?;
    Ok(CompleteRequest { tenant, user, callback_url: CallbackUrl::new(callback_url), wait, permit })
}
