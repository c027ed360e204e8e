//! Machine credentials: create, read, list, replace, delete.

use super::outcome::changed;
use crate::ports::{ChangeOutcome, MachineCredentialFilter, MachineCredentialOutcome};
use crate::{
    Actor, AuditRecord, Broker, BrokerError, GrantKey, MachineCredential, NewMachineCredential, Permit,
    RowVersion, Timestamp,
};

/// Nothing refers to one.
const NEVER_IN_USE: &str = "the machine credential";

impl Broker {
    /// Puts a machine credential under a key that has no living grant.
    pub async fn create_machine_credential(
        &self,
        key: &GrantKey,
        new: &NewMachineCredential,
        by: &Actor,
        permit: &Permit,
    ) -> Result<MachineCredential, BrokerError> {
        self.check_fits(key, new)?;
        self.refuse_if_deleting(&key.tenant).await?;
        let at = self.clock.now();
        let credential = self.credential_of(key, new, RowVersion::first(at), at, permit).await?;
        let record = credential_record(&credential, by, at);
        match self.machine_credentials.create_machine_credential(&credential, &record).await? {
            MachineCredentialOutcome::Created => Ok(credential),
            MachineCredentialOutcome::Taken => Err(BrokerError::AlreadyExists("machine credential")),
            MachineCredentialOutcome::HasGrant => {
                Err(BrokerError::AlreadyExists("grant, or an authorization that may still make one,"))
            }
            MachineCredentialOutcome::NoTenant => Err(BrokerError::TenantNotFound),
            MachineCredentialOutcome::OverQuota(quota) => Err(BrokerError::QuotaExceeded(quota)),
        }
    }

    /// The machine credential under that key.
    pub async fn machine_credential(&self, key: &GrantKey) -> Result<MachineCredential, BrokerError> {
        self.machine_credentials.machine_credential(key).await?.ok_or_else(absent)
    }

    /// A page of a tenant's machine credentials, ordered by key.
    pub async fn list_machine_credentials(
        &self,
        filter: &MachineCredentialFilter,
    ) -> Result<Vec<MachineCredential>, BrokerError> {
        self.tenant(&filter.tenant).await?;
        Ok(self.machine_credentials.list_machine_credentials(filter).await?)
    }

    /// Puts another credential, of any kind, in the place of the one there is: callers get one or the other.
    pub async fn rotate_machine_credential(
        &self,
        key: &GrantKey,
        new: &NewMachineCredential,
        expected: Option<RowVersion>,
        by: &Actor,
        permit: &Permit,
    ) -> Result<MachineCredential, BrokerError> {
        self.check_fits(key, new)?;
        loop {
            let held = self.machine_credential(key).await?;
            if expected.is_some_and(|expected| expected != held.version) {
                return Err(BrokerError::EtagMismatch);
            }
            let at = self.clock.now();
            let next = self.credential_of(key, new, version_after(&held, at), at, permit).await?;
            let next = MachineCredential { created_at: held.created_at, ..next };
            let record = credential_record(&next, by, at);
            match self.machine_credentials.replace_machine_credential(&next, held.version, &record).await? {
                // Somebody else was first, and the caller replaces whatever is there.
                ChangeOutcome::Stale if expected.is_none() => {}
                outcome => return changed(outcome, absent(), NEVER_IN_USE).map(|()| next),
            }
        }
    }

    /// Erases a machine credential. At the provider it works on until it is withdrawn there.
    pub async fn delete_machine_credential(
        &self,
        key: &GrantKey,
        expected: Option<RowVersion>,
        by: &Actor,
    ) -> Result<(), BrokerError> {
        let held = self.machine_credential(key).await?;
        let record = credential_record(&held, by, self.clock.now());
        let outcome = self.machine_credentials.delete_machine_credential(key, expected, &record).await?;
        changed(outcome, absent(), NEVER_IN_USE)
    }
}

/// Higher than every generation there was, and than those of tokens that are minted until it takes over.
fn version_after(held: &MachineCredential, at: Timestamp) -> RowVersion {
    RowVersion::new(held.generation().get()).max(held.version).next().max(RowVersion::first(at))
}

fn credential_record(credential: &MachineCredential, by: &Actor, at: Timestamp) -> AuditRecord {
    let record = by.did(Some(&credential.key.tenant), at).about(&credential.key);
    AuditRecord { generation: Some(credential.generation()), ..record.resource(MachineCredential::RESOURCE) }
}

fn absent() -> BrokerError {
    BrokerError::ResourceNotFound("machine credential")
}
