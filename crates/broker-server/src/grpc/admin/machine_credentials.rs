//! Machine credentials.

use broker_core::ports::MachineCredentialFilter;
use broker_core::{
    AccountLabel, ApiKey, BrokerError, GrantKey, NewMachineCredential, Permit, ProviderName, RegistrationId,
    UserId,
};
use broker_crypto::{ApiKeyId, ApiKeySecret};
use broker_proto::v1::create_machine_credential_request::Credential;
use broker_proto::v1::rotate_machine_credential_request::Credential as NextCredential;
use broker_proto::v1::{
    self, CreateMachineCredentialRequest, CreateMachineCredentialResponse, DeleteMachineCredentialRequest,
    DeleteMachineCredentialResponse, GetMachineCredentialRequest, GetMachineCredentialResponse,
    ListMachineCredentialsRequest, ListMachineCredentialsResponse, RotateMachineCredentialRequest,
    RotateMachineCredentialResponse,
};
use tonic::{Request, Status};

use super::etag;
use super::page::Page;
use crate::grpc::access::Call;
use crate::grpc::admin_service::AdminApi;
use crate::grpc::request::{Fields, grant_key};
use crate::grpc::{machine_message, page_token};

pub(in crate::grpc) async fn create(
    api: &AdminApi,
    request: Request<CreateMachineCredentialRequest>,
) -> Result<CreateMachineCredentialResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let (key, new) = read(message.key, message.credential).map_err(api.told())?;
    let permit = admit(&call, &key, &new).map_err(api.told())?;
    let created = api.broker.create_machine_credential(&key, &new, call.actor(), &permit).await;
    let created = created.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %key.tenant, provider = %key.provider,
        generation = created.generation().get(), "machine credential created"
    );
    Ok(CreateMachineCredentialResponse { machine_credential: Some(machine_message::credential(&created)) })
}

pub(in crate::grpc) async fn get(
    api: &AdminApi,
    request: Request<GetMachineCredentialRequest>,
) -> Result<GetMachineCredentialResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let key = grant_key(request.into_inner().key).map_err(api.told())?;
    call.admit_to(&key).map_err(api.told())?;
    let held = api.broker.machine_credential(&key).await.map_err(api.told())?;
    Ok(GetMachineCredentialResponse { machine_credential: Some(machine_message::credential(&held)) })
}

pub(in crate::grpc) async fn list(
    api: &AdminApi,
    request: Request<ListMachineCredentialsRequest>,
) -> Result<ListMachineCredentialsResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let (filter, page) = read_filter(request.get_ref()).map_err(api.told())?;
    call.admit_at(&filter.tenant, filter.provider.as_ref()).map_err(api.told())?;
    let mut held = api.broker.list_machine_credentials(&filter).await.map_err(api.told())?;
    let next_page_token = page.cut(&mut held, |last| page_token::write(&last.key));
    let machine_credentials = held.iter().map(machine_message::credential).collect();
    Ok(ListMachineCredentialsResponse { machine_credentials, next_page_token })
}

pub(in crate::grpc) async fn rotate(
    api: &AdminApi,
    request: Request<RotateMachineCredentialRequest>,
) -> Result<RotateMachineCredentialResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let credential = message.credential.map(|next| match next {
        NextCredential::ApiKey(pair) => Credential::ApiKey(pair),
        NextCredential::ClientCredentials(client) => Credential::ClientCredentials(client),
        NextCredential::Derived(derived) => Credential::Derived(derived),
    });
    let (key, new) = read(message.key, credential).map_err(api.told())?;
    let permit = admit(&call, &key, &new).map_err(api.told())?;
    let expected = etag::read(&message.etag);
    let rotated = api.broker.rotate_machine_credential(&key, &new, expected, call.actor(), &permit).await;
    let rotated = rotated.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %key.tenant, provider = %key.provider,
        generation = rotated.generation().get(), "machine credential rotated"
    );
    Ok(RotateMachineCredentialResponse { machine_credential: Some(machine_message::credential(&rotated)) })
}

pub(in crate::grpc) async fn delete(
    api: &AdminApi,
    request: Request<DeleteMachineCredentialRequest>,
) -> Result<DeleteMachineCredentialResponse, Status> {
    let call = api.guard.call(&request).map_err(api.told())?;
    let message = request.into_inner();
    let key = grant_key(message.key).map_err(api.told())?;
    call.admit_to(&key).map_err(api.told())?;
    let expected = etag::read(&message.etag);
    let deleted = api.broker.delete_machine_credential(&key, expected, call.actor()).await;
    deleted.map_err(api.told())?;
    tracing::info!(
        principal = %call.principal(), tenant = %key.tenant, provider = %key.provider, "machine credential deleted"
    );
    Ok(DeleteMachineCredentialResponse {})
}

/// Who derives from a grant gets at what it opens, and must be allowed as much there.
fn admit(call: &Call<'_>, key: &GrantKey, new: &NewMachineCredential) -> Result<Permit, BrokerError> {
    if let NewMachineCredential::Derived { user, account, .. } = new {
        call.admit_to(&GrantKey { user: user.clone(), account: account.clone(), ..key.clone() })?;
    }
    call.admit_to(key)
}

fn read(
    key: Option<v1::GrantKey>,
    credential: Option<Credential>,
) -> Result<(GrantKey, NewMachineCredential), BrokerError> {
    let key = grant_key(key)?;
    let mut fields = Fields::default();
    let new = match credential {
        None => {
            fields.violation("credential", "must be set");
            None
        }
        Some(Credential::ApiKey(pair)) => Some(NewMachineCredential::ApiKey(ApiKey {
            id: ApiKeyId::new(pair.id),
            secret: ApiKeySecret::new(pair.secret),
        })),
        Some(Credential::ClientCredentials(client)) => {
            let field = "client_credentials.client_registration_id";
            let registration =
                fields.optional_name(field, &client.client_registration_id, RegistrationId::new);
            Some(NewMachineCredential::ClientCredentials { registration, scopes: client.scopes })
        }
        Some(Credential::Derived(derived)) => read_derived(&mut fields, derived),
    };
    fields.finish(new.map(|new| (key, new)))
}

fn read_derived(fields: &mut Fields, derived: v1::DerivedToken) -> Option<NewMachineCredential> {
    let v1::DerivedToken { user_id, account, target_account_id, scopes } = derived;
    let user = fields.name("derived.user_id", &user_id, UserId::new);
    let account = match account.is_empty() {
        true => Some(AccountLabel::default_label()),
        false => fields.name("derived.account", &account, AccountLabel::new),
    };
    let (user, account) = user.zip(account)?;
    Some(NewMachineCredential::Derived { user, account, target: target_account_id, scopes })
}

fn read_filter(
    message: &ListMachineCredentialsRequest,
) -> Result<(MachineCredentialFilter, Page), BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let provider = fields.optional_name("provider", &message.provider, ProviderName::new);
    let user = fields.optional_name("user_id", &message.user_id, UserId::new);
    let page = Page::read(&mut fields, message.page_size);
    let limit = page.to_read();
    let after = page_token::read(&message.page_token)?;
    let filter = tenant.map(|tenant| MachineCredentialFilter { tenant, provider, user, after, limit });
    fields.finish(filter.map(|filter| (filter, page)))
}
