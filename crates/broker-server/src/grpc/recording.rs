//! Recording and counting what is given.

use std::sync::Arc;

use broker_core::{Actor, BrokerError, Recorder, Vended, VendedMachineCredential};

use super::Vends;
use super::status::reason;

/// Where tokens that are given, and those that are not, are recorded and counted.
#[derive(Clone)]
pub(super) struct Recording {
    pub(super) recorder: Arc<Recorder>,
    pub(super) vends: Arc<Vends>,
}

impl Recording {
    /// A token is given for that purpose. Fails with `BackendUnavailable` where it must not be.
    pub(super) async fn vended(
        &self,
        actor: &Actor,
        vended: &Vended,
        purpose: &str,
    ) -> Result<(), BrokerError> {
        self.recorder.vended(actor, vended, purpose).await?;
        self.vends.vended(vended, self.recorder.now());
        Ok(())
    }

    /// A token is given to who reported one, as `report` says. Fails likewise.
    pub(super) async fn reported(
        &self,
        actor: &Actor,
        vended: &Vended,
        report: String,
    ) -> Result<(), BrokerError> {
        self.recorder.reported(actor, vended, report).await?;
        self.vends.vended(vended, self.recorder.now());
        Ok(())
    }

    /// What a machine credential gives is given. Fails likewise.
    pub(super) async fn machine_credential_vended(
        &self,
        actor: &Actor,
        vended: &VendedMachineCredential,
        purpose: &str,
    ) -> Result<(), BrokerError> {
        self.recorder.machine_credential_vended(actor, vended, purpose).await?;
        self.vends.machine_credential_vended(vended, self.recorder.now());
        Ok(())
    }

    /// The same answer; counted, where it is that nothing is given. Who asked for a token is recorded elsewhere.
    pub(super) fn counted<T>(
        &self,
        provider: &str,
        vended: Result<T, BrokerError>,
    ) -> Result<T, BrokerError> {
        vended.inspect_err(|error| self.vends.refused(provider, reason(error)))
    }
}
