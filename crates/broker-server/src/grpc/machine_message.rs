//! Machine credentials, and what they give, as messages of the contract.

use broker_core::{
    MachineCredential, MintSource, Minting, VendedApiKey, VendedMachineCredential, VendedMinted,
};
use broker_proto::v1;
use broker_proto::v1::machine_credential::Minted;

use super::admin::etag_of;
use super::message::{failure, grant_key, scheme, stale_reason, timestamp};

/// What a machine credential gave.
pub(super) fn vended(vended: &VendedMachineCredential) -> v1::GetAccessTokenResponse {
    match vended {
        VendedMachineCredential::ApiKey(api_key) => vended_api_key(api_key),
        VendedMachineCredential::Token(minted) => vended_token(minted),
    }
}

/// It is in its headers, and expires never.
fn vended_api_key(vended: &VendedApiKey) -> v1::GetAccessTokenResponse {
    let VendedApiKey { credential, id, secret, headers } = vended;
    let pairs = [(&headers.id, id.expose()), (&headers.secret, secret.expose())];
    v1::GetAccessTokenResponse {
        token_type: "ApiKey".to_owned(),
        headers: pairs.map(|(name, value)| (name.clone(), value.to_owned())).into(),
        grant_id: credential.key.grant_id().to_string(),
        generation: credential.generation().get(),
        ..Default::default()
    }
}

fn vended_token(vended: &VendedMinted) -> v1::GetAccessTokenResponse {
    let (token, access_token) = (&vended.token, vended.access_token.expose());
    let authorization = format!("{} {access_token}", scheme(&token.token_type));
    v1::GetAccessTokenResponse {
        access_token: access_token.to_owned(),
        token_type: token.token_type.clone(),
        headers: [("authorization".to_owned(), authorization)].into(),
        expire_time: Some(timestamp(token.expires_at)),
        scopes: token.scopes.clone(),
        api_base_url: token.api_base_url.clone().unwrap_or_default(),
        // There is no grant to be watched or reported.
        grant_id: String::new(),
        generation: vended.generation.get(),
        refresh_hint_time: Some(timestamp(vended.refresh_hint_at)),
        served_stale_reason: stale_reason(vended.stale).into(),
        grant_expire_time: None,
    }
}

/// A machine credential; never its secret.
pub(super) fn credential(held: &MachineCredential) -> v1::MachineCredential {
    let minting = held.minting();
    let token = minting.and_then(|minting| minting.token.as_ref());
    v1::MachineCredential {
        key: Some(grant_key(&held.key)),
        kind: kind(minting).into(),
        generation: held.generation().get(),
        create_time: Some(timestamp(held.created_at)),
        update_time: Some(timestamp(held.updated_at)),
        etag: etag_of(held.version),
        minted: minting.map(minted),
        access_token_expire_time: token.map(|token| timestamp(token.expires_at)),
        next_mint_time: minting.map(|minting| timestamp(minting.mint_at)),
        last_error: minting.and_then(|minting| minting.last_failure.as_ref()).map(failure),
    }
}

fn kind(minting: Option<&Minting>) -> v1::MachineCredentialKind {
    match minting.map(|minting| &minting.source) {
        None => v1::MachineCredentialKind::ApiKey,
        Some(MintSource::ClientCredentials { .. }) => v1::MachineCredentialKind::ClientCredentials,
        Some(MintSource::Derived { .. }) => v1::MachineCredentialKind::Derived,
    }
}

fn minted(minting: &Minting) -> Minted {
    let scopes = minting.scopes.clone();
    match &minting.source {
        MintSource::ClientCredentials { registration } => {
            let client_registration_id = registration.to_string();
            Minted::ClientCredentials(v1::ClientCredentials { client_registration_id, scopes })
        }
        MintSource::Derived { user, account, target } => Minted::Derived(v1::DerivedToken {
            user_id: user.to_string(),
            account: account.to_string(),
            target_account_id: target.clone(),
            scopes,
        }),
    }
}
