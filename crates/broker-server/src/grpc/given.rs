//! What is told of a token that was given.

use broker_core::{Timestamp, Vended, VendedMachineCredential};

use super::audit::Given;

/// Of a grant's token, given to a call that began then.
pub(super) fn of_grant(vended: &Vended, began: Timestamp) -> Given {
    let grant = &vended.grant.grant;
    let outcome = match vended.stale {
        Some(_) => "stale",
        None if grant.issued_at >= began => "refreshed",
        None => "fresh",
    };
    Given { outcome, generation: grant.generation.get(), expires_at: Some(grant.expires_at) }
}

/// Of a machine credential.
pub(super) fn of_machine(vended: &VendedMachineCredential) -> Given {
    let generation = vended.generation().get();
    match vended {
        VendedMachineCredential::ApiKey(_) => Given { outcome: "api_key", generation, expires_at: None },
        VendedMachineCredential::Token(minted) => {
            let outcome = if minted.stale.is_some() { "stale" } else { "minted" };
            Given { outcome, generation, expires_at: Some(minted.token.expires_at) }
        }
    }
}
