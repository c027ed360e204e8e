//! Rows of machine credentials, written and read.

use broker_core::ports::StoreError;
use broker_core::{
    AccountLabel, FailureKind, LastFailure, LineageId, MachineCredential, MachineCredentialHeld, MintSource,
    MintedToken, Minting, RegistrationId, SealedApiKey, Timestamp, UserId,
};
use broker_crypto::Sealed;
use uuid::Uuid;

use crate::columns::{self, generation, kept, name, number, time, version, word};

pub(super) struct CredentialRow {
    pub(super) tenant: String,
    pub(super) provider: String,
    pub(super) user_id: String,
    pub(super) account: String,
    pub(super) kind: String,
    pub(super) api_key_id: Option<Vec<u8>>,
    pub(super) api_key_secret: Option<Vec<u8>>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) version: i64,
    pub(super) registration: Option<String>,
    pub(super) parent_user: Option<String>,
    pub(super) parent_account: Option<String>,
    pub(super) target: Option<String>,
    pub(super) asked_scopes: String,
    pub(super) generation: i64,
    pub(super) access_token: Option<Vec<u8>>,
    pub(super) token_type: Option<String>,
    pub(super) scopes: Option<String>,
    pub(super) api_base_url: Option<String>,
    pub(super) issued_at: Option<i64>,
    pub(super) expires_at: Option<i64>,
    pub(super) parent_lineage: Option<Uuid>,
    pub(super) mint_at: Option<i64>,
    pub(super) minting_until: Option<i64>,
    pub(super) failures: i32,
    pub(super) failure: Option<String>,
    pub(super) failure_at: Option<i64>,
    pub(super) failing_since: Option<i64>,
    pub(super) failure_code: Option<String>,
    pub(super) failure_status: Option<i32>,
}

/// The columns of what a new credential holds.
#[derive(Default)]
pub(super) struct HeldColumns<'a> {
    pub(super) kind: &'static str,
    pub(super) api_key_id: Option<&'a [u8]>,
    pub(super) api_key_secret: Option<&'a [u8]>,
    pub(super) registration: Option<&'a str>,
    pub(super) parent_user: Option<&'a str>,
    pub(super) parent_account: Option<&'a str>,
    pub(super) target: Option<&'a str>,
    pub(super) asked_scopes: String,
    pub(super) generation: i64,
    pub(super) mint_at: Option<i64>,
}

impl<'a> HeldColumns<'a> {
    pub(super) fn of(credential: &'a MachineCredential) -> Self {
        match &credential.held {
            MachineCredentialHeld::ApiKey(pair) => Self {
                kind: "api_key",
                api_key_id: Some(pair.id.as_bytes()),
                api_key_secret: Some(pair.secret.as_bytes()),
                ..Self::default()
            },
            MachineCredentialHeld::Minted(minting) => Self::of_minting(minting),
        }
    }

    fn of_minting(minting: &'a Minting) -> Self {
        let minted = Self {
            asked_scopes: minting.scopes.join(" "),
            generation: kept(minting.generation),
            mint_at: Some(minting.mint_at.as_unix_micros()),
            ..Self::default()
        };
        match &minting.source {
            MintSource::ClientCredentials { registration } => {
                Self { kind: "client_credentials", registration: Some(registration.as_str()), ..minted }
            }
            MintSource::Derived { user, account, target } => Self {
                kind: "derived",
                parent_user: Some(user.as_str()),
                parent_account: Some(account.as_str()),
                target: Some(target),
                ..minted
            },
        }
    }
}

impl CredentialRow {
    pub(super) fn credential(mut self) -> Result<MachineCredential, StoreError> {
        let held = match self.kind.as_str() {
            "api_key" => MachineCredentialHeld::ApiKey(SealedApiKey {
                id: Sealed::from_bytes(some(self.api_key_id.take(), "api_key_id")?),
                secret: Sealed::from_bytes(some(self.api_key_secret.take(), "api_key_secret")?),
            }),
            _ => MachineCredentialHeld::Minted(Box::new(self.minting()?)),
        };
        Ok(MachineCredential {
            key: columns::key([self.tenant, self.provider, self.user_id, self.account])?,
            held,
            created_at: Timestamp::from_unix_micros(self.created_at),
            updated_at: Timestamp::from_unix_micros(self.updated_at),
            version: version(self.version, "version")?,
        })
    }

    fn minting(&mut self) -> Result<Minting, StoreError> {
        Ok(Minting {
            source: self.source()?,
            scopes: columns::scopes(&self.asked_scopes),
            generation: generation(self.generation, "generation")?,
            token: self.token()?,
            mint_at: some(time(self.mint_at), "mint_at")?,
            minting_until: time(self.minting_until),
            last_failure: self.last_failure()?,
        })
    }

    fn source(&mut self) -> Result<MintSource, StoreError> {
        if self.kind == "client_credentials" {
            let registration = some(self.registration.take(), "registration")?;
            let registration = name(registration, RegistrationId::new, "registration")?;
            return Ok(MintSource::ClientCredentials { registration });
        }
        Ok(MintSource::Derived {
            user: name(some(self.parent_user.take(), "parent_user")?, UserId::new, "parent_user")?,
            account: name(
                some(self.parent_account.take(), "parent_account")?,
                AccountLabel::new,
                "parent_account",
            )?,
            target: some(self.target.take(), "target")?,
        })
    }

    fn token(&mut self) -> Result<Option<MintedToken>, StoreError> {
        let Some(access_token) = self.access_token.take() else { return Ok(None) };
        Ok(Some(MintedToken {
            access_token: Sealed::from_bytes(access_token),
            token_type: some(self.token_type.take(), "token_type")?,
            scopes: columns::scopes(&some(self.scopes.take(), "scopes")?),
            api_base_url: self.api_base_url.take(),
            issued_at: some(time(self.issued_at), "issued_at")?,
            expires_at: some(time(self.expires_at), "expires_at")?,
            lineage: self.parent_lineage.map(|lineage| LineageId::from_bytes(lineage.into_bytes())),
        }))
    }

    fn last_failure(&mut self) -> Result<Option<LastFailure>, StoreError> {
        let Some(failure) = self.failure.take() else { return Ok(None) };
        Ok(Some(LastFailure {
            kind: word(&failure, FailureKind::from_name, "failure")?,
            at: some(time(self.failure_at), "failure_at")?,
            oauth_error: self.failure_code.take(),
            http_status: self.failure_status.map(|status| number(status, "failure_status")).transpose()?,
            in_a_row: number(self.failures, "failures")?,
            since: some(time(self.failing_since), "failing_since")?,
        }))
    }
}

fn some<T>(value: Option<T>, column: &'static str) -> Result<T, StoreError> {
    value.ok_or(StoreError::Inconsistent(column))
}
