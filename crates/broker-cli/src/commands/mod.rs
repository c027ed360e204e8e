//! One file per group of commands: its flags, its call, its table.

mod at_risk;
pub(crate) mod audit;
pub(crate) mod audit_table;
pub(crate) mod completions;
pub(crate) mod consent;
pub(crate) mod credential_table;
pub(crate) mod credentials;
pub(crate) mod delete_tenant;
mod device;
pub(crate) mod events;
pub(crate) mod grant_table;
pub(crate) mod grants;
pub(crate) mod health;
mod import;
pub(crate) mod key_progress;
pub(crate) mod key_table;
pub(crate) mod keys;
pub(crate) mod new_credential;
mod pages;
pub(crate) mod policies;
pub(crate) mod policy_table;
pub(crate) mod providers;
pub(crate) mod registration_name;
pub(crate) mod registration_table;
pub(crate) mod registrations;
pub(crate) mod revoke;
pub(crate) mod scheduler;
pub(crate) mod secrets;
pub(crate) mod tenants;
pub(crate) mod token;
mod token_watch;
mod webhook_table;
pub(crate) mod webhooks;
mod window_args;

use crate::cli::Command;
use crate::failure::Failure;
use crate::session::Session;

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Tenants(command) => command.run(session).await,
        Command::Registrations(command) => command.run(session).await,
        Command::Policies(command) => command.run(session).await,
        Command::Secrets(command) => command.run(session).await,
        Command::Credentials(command) => command.run(session).await,
        Command::Scheduler(command) => command.run(session).await,
        Command::Providers(command) => command.run(session).await,
        Command::Grants(command) => command.run(session).await,
        Command::Token(command) => command.run(session).await,
        Command::Consent(command) => command.run(session).await,
        Command::Keys(command) => command.run(session).await,
        Command::Events(command) => command.run(session).await,
        Command::Webhooks(command) => command.run(session).await,
        Command::Audit(command) => command.run(session).await,
        Command::Health(command) => command.run(session).await,
        Command::Completions(command) => command.run(session),
    }
}

/// An enum value without its enum's prefix: `GRANT_STATE_ACTIVE` is `ACTIVE`, and unset is nothing.
pub(crate) fn short(value: &'static str, prefix: &str) -> &'static str {
    match value.strip_prefix(prefix).unwrap_or(value) {
        "UNSPECIFIED" => "",
        short => short,
    }
}
