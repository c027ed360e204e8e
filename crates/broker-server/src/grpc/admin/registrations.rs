//! Client registrations.

use broker_core::ports::{RegistrationFilter, RegistrationKey};
use broker_core::{
    BrokerError, ClientSecretTest, ClientVerdict, ProviderName, RegistrationId, RegistrationUpdate, Timestamp,
};
use broker_proto::v1::{
    self, ClientSecretVerdict, DeleteClientRegistrationRequest, DeleteClientRegistrationResponse,
    GetClientRegistrationRequest, GetClientRegistrationResponse, ListClientRegistrationsRequest,
    ListClientRegistrationsResponse, TestClientRegistrationRequest, TestClientRegistrationResponse,
    UpdateClientRegistrationRequest, UpdateClientRegistrationResponse,
};
use tonic::{Request, Status};

use super::etag;
use super::mask::Mask;
use super::page::Page;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::request::Fields;
use crate::grpc::{deadline, grant_window, page_token};

const CHANGEABLE: [&str; 5] =
    ["redirect_uri", "scopes", "return_to", "allow_device_authorization", "grant_window"];

pub(in crate::grpc) async fn get(
    api: &AdminApi,
    request: Request<GetClientRegistrationRequest>,
) -> Result<GetClientRegistrationResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.get_ref();
    let key = read_key(&message.tenant_id, &message.provider, &message.registration_id);
    let key = key.map_err(api.told())?;
    call.admit_at(&key.tenant, Some(&key.provider)).map_err(api.told())?;
    let registration = api.broker.registration(&key).await.map_err(api.told())?;
    Ok(GetClientRegistrationResponse { client_registration: Some(api.shown(&registration)) })
}

pub(in crate::grpc) async fn list(
    api: &AdminApi,
    request: Request<ListClientRegistrationsRequest>,
) -> Result<ListClientRegistrationsResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let (filter, page) = read_filter(request.get_ref()).map_err(api.told())?;
    call.admit_at(&filter.tenant, filter.provider.as_ref()).map_err(api.told())?;
    let mut registrations = api.broker.list_registrations(&filter).await.map_err(api.told())?;
    let next_page_token = page.cut(&mut registrations, |last| {
        let created_at = last.created_at.as_unix_micros().to_string();
        page_token::of([created_at.as_str(), last.provider.as_str(), last.id.as_str()])
    });
    let client_registrations = registrations.iter().map(|registration| api.shown(registration)).collect();
    Ok(ListClientRegistrationsResponse { client_registrations, next_page_token })
}

pub(in crate::grpc) async fn update(
    api: &AdminApi,
    request: Request<UpdateClientRegistrationRequest>,
) -> Result<UpdateClientRegistrationResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let mut fields = Fields::default();
    let mask = Mask::read(&mut fields, message.update_mask.clone(), &CHANGEABLE);
    let update = read_update(fields, &mask, message).map_err(api.told())?;
    call.admit_at(&update.key.tenant, Some(&update.key.provider)).map_err(api.told())?;
    let registration = api.broker.update_registration(update, call.actor()).await.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %registration.tenant, provider = %registration.provider,
        registration = %registration.id, "client registration updated"
    );
    Ok(UpdateClientRegistrationResponse { client_registration: Some(api.shown(&registration)) })
}

pub(in crate::grpc) async fn delete(
    api: &AdminApi,
    request: Request<DeleteClientRegistrationRequest>,
) -> Result<DeleteClientRegistrationResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let key = read_key(&message.tenant_id, &message.provider, &message.registration_id);
    let key = key.map_err(api.told())?;
    call.admit_at(&key.tenant, Some(&key.provider)).map_err(api.told())?;
    api.broker
        .delete_registration(&key, etag::read(&message.etag), call.actor())
        .await
        .map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %key.tenant, provider = %key.provider, registration = %key.id,
        "client registration deleted"
    );
    Ok(DeleteClientRegistrationResponse {})
}

pub(in crate::grpc) async fn test(
    api: &AdminApi,
    request: Request<TestClientRegistrationRequest>,
) -> Result<TestClientRegistrationResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let wait = deadline::wait(request.metadata());
    let message = request.get_ref();
    let key = read_key(&message.tenant_id, &message.provider, &message.registration_id);
    let key = key.map_err(api.told())?;
    call.admit_at(&key.tenant, Some(&key.provider)).map_err(api.told())?;
    let tests = api.broker.test_registration(&key, wait).await.map_err(api.told())?;
    Ok(TestClientRegistrationResponse { secret_tests: tests.into_iter().map(secret_test).collect() })
}

/// Names one registration.
pub(super) fn read_key(
    tenant: &str,
    provider: &str,
    registration: &str,
) -> Result<RegistrationKey, BrokerError> {
    let mut fields = Fields::default();
    let key = key_of(&mut fields, tenant, provider, registration);
    fields.finish(key)
}

pub(super) fn key_of(
    fields: &mut Fields,
    tenant: &str,
    provider: &str,
    registration: &str,
) -> Option<RegistrationKey> {
    let (tenant, provider) = (fields.tenant(tenant), fields.provider(provider));
    let id = fields.name("registration_id", registration, RegistrationId::new);
    Some(RegistrationKey { tenant: tenant?, provider: provider?, id: id? })
}

fn read_filter(message: &ListClientRegistrationsRequest) -> Result<(RegistrationFilter, Page), BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let provider = fields.optional_name("provider", &message.provider, ProviderName::new);
    let page = Page::read(&mut fields, message.page_size);
    let after = page_token::parts(&message.page_token)?.map(read_last).transpose()?;
    let limit = page.to_read();
    let filter = tenant.map(|tenant| RegistrationFilter { tenant, provider, after, limit });
    fields.finish(filter.map(|filter| (filter, page)))
}

/// The last registration of the page before.
fn read_last(
    [created_at, provider, id]: [String; 3],
) -> Result<(Timestamp, ProviderName, RegistrationId), BrokerError> {
    let created_at = created_at.parse().map_err(|_| page_token::foreign())?;
    let provider = ProviderName::new(provider).map_err(|_| page_token::foreign())?;
    let id = RegistrationId::new(id).map_err(|_| page_token::foreign())?;
    Ok((Timestamp::from_unix_micros(created_at), provider, id))
}

fn read_update(
    mut fields: Fields,
    mask: &Mask,
    message: UpdateClientRegistrationRequest,
) -> Result<RegistrationUpdate, BrokerError> {
    let key = key_of(&mut fields, &message.tenant_id, &message.provider, &message.registration_id);
    if mask.names("scopes") {
        fields.scopes("scopes", &message.scopes);
    }
    let named = mask.names("grant_window");
    let window = grant_window::read(&mut fields, message.grant_window.filter(|_| named));
    let update = key.map(|key| RegistrationUpdate {
        key,
        redirect_uri: mask.take("redirect_uri", message.redirect_uri),
        scopes: mask.take("scopes", message.scopes),
        return_to: mask.take("return_to", message.return_to.into_iter().collect()),
        grant_window: named.then_some(window),
        allow_device_authorization: mask
            .take("allow_device_authorization", message.allow_device_authorization),
        expected: etag::read(&message.etag),
    });
    fields.finish(update)
}

fn secret_test(test: ClientSecretTest) -> v1::ClientSecretTest {
    let verdict = match test.verdict {
        ClientVerdict::Accepted => ClientSecretVerdict::Accepted,
        ClientVerdict::Rejected => ClientSecretVerdict::Rejected,
        ClientVerdict::Unreachable => ClientSecretVerdict::Unreachable,
        ClientVerdict::Inconclusive => ClientSecretVerdict::Inconclusive,
    };
    v1::ClientSecretTest {
        secret_id: test.secret.map(|secret| secret.to_string()).unwrap_or_default(),
        verdict: verdict.into(),
        oauth_error: test.oauth_error.unwrap_or_default(),
        http_status: test.http_status.map_or(0, i32::from),
    }
}
