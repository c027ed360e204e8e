//! The secrets of client registrations.

use broker_core::{AddSecret, BrokerError, SecretId};
use broker_crypto::ClientSecret;
use broker_proto::v1::{
    AddClientSecretRequest, AddClientSecretResponse, RetireClientSecretRequest, RetireClientSecretResponse,
};
use tonic::{Request, Status};

use super::etag;
use super::registrations::{key_of, read_key};
use crate::grpc::admin_service::AdminApi;
use crate::grpc::request::Fields;

pub(in crate::grpc) async fn add(
    api: &AdminApi,
    request: Request<AddClientSecretRequest>,
) -> Result<AddClientSecretResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let add = read_add(request.into_inner()).map_err(api.told())?;
    call.admit_at(&add.key.tenant, Some(&add.key.provider)).map_err(api.told())?;
    let (registration, id) = api.broker.add_secret(add, call.actor()).await.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %registration.tenant, provider = %registration.provider,
        registration = %registration.id, secret = %id, "client secret added"
    );
    let client_registration = Some(api.shown(&registration));
    Ok(AddClientSecretResponse { client_registration, secret_id: id.to_string() })
}

pub(in crate::grpc) async fn retire(
    api: &AdminApi,
    request: Request<RetireClientSecretRequest>,
) -> Result<RetireClientSecretResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let key = read_key(&message.tenant_id, &message.provider, &message.registration_id);
    let key = key.map_err(api.told())?;
    call.admit_at(&key.tenant, Some(&key.provider)).map_err(api.told())?;
    let expected = etag::read(&message.etag);
    let registration = match SecretId::parse(&message.secret_id) {
        Some(secret) => api.broker.retire_secret(&key, secret, expected, call.actor()).await,
        // What is no id is nobody's; the registration must be there all the same.
        None => match api.broker.registration(&key).await {
            Ok(_) => Err(BrokerError::ResourceNotFound("client secret")),
            Err(error) => Err(error),
        },
    };
    let registration = registration.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %key.tenant, provider = %key.provider, registration = %key.id,
        secret = message.secret_id, "client secret retired"
    );
    Ok(RetireClientSecretResponse { client_registration: Some(api.shown(&registration)) })
}

fn read_add(message: AddClientSecretRequest) -> Result<AddSecret, BrokerError> {
    let mut fields = Fields::default();
    let key = key_of(&mut fields, &message.tenant_id, &message.provider, &message.registration_id);
    let client_secret = ClientSecret::new(message.client_secret);
    if client_secret.expose().is_empty() {
        fields.violation("client_secret", "must be set");
    }
    let request = fields.request_id(&message.request_id);
    let add = key.map(|key| AddSecret { key, client_secret, prefer: message.prefer, request });
    fields.finish(add)
}
