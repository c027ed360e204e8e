//! Creating client registrations.

use broker_core::{BrokerError, NewRegistration, RegistrationId, RequestId};
use broker_crypto::ClientSecret;
use broker_proto::v1::{CreateClientRegistrationRequest, CreateClientRegistrationResponse};
use tonic::{Request, Status};

use crate::grpc::admin_service::AdminApi;
use crate::grpc::grant_window;
use crate::grpc::request::Fields;

pub(in crate::grpc) async fn create(
    api: &AdminApi,
    request: Request<CreateClientRegistrationRequest>,
) -> Result<CreateClientRegistrationResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let (new, request) = read(message).map_err(api.told())?;
    call.admit_at(&new.tenant, Some(&new.provider)).map_err(api.told())?;
    let registration =
        api.broker.create_registration(new, request, call.actor()).await.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %registration.tenant, provider = %registration.provider,
        registration = %registration.id, "client registration created"
    );
    let client_registration = Some(api.shown(&registration));
    Ok(CreateClientRegistrationResponse { client_registration })
}

fn read(
    message: CreateClientRegistrationRequest,
) -> Result<(NewRegistration, Option<RequestId>), BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let provider = fields.provider(&message.provider);
    let id = fields.name("registration_id", &message.registration_id, RegistrationId::new);
    match (message.public, message.client_secret.is_empty()) {
        (true, false) => fields.violation("client_secret", "must be empty for a public client"),
        (false, true) => fields.violation("client_secret", "must be set, unless `public` is"),
        _ => {}
    }
    let client_secret = (!message.public).then(|| ClientSecret::new(message.client_secret));
    fields.scopes("scopes", &message.scopes);
    let grant_window = grant_window::read(&mut fields, message.grant_window);
    let request = fields.request_id(&message.request_id);
    let names = tenant.zip(provider).zip(id);
    let new = names.map(|((tenant, provider), id)| NewRegistration {
        tenant,
        provider,
        id,
        client_id: message.client_id,
        client_secret,
        redirect_uri: message.redirect_uri,
        scopes: message.scopes,
        return_to: message.return_to.into_iter().collect(),
        grant_window,
        allow_device_authorization: message.allow_device_authorization,
    });
    fields.finish(new.map(|new| (new, request)))
}
