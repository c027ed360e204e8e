//! The command line as a whole: flags that every command takes, and the commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::audit::Audit;
use crate::commands::completions::Completions;
use crate::commands::consent::Consent;
use crate::commands::credentials::Credentials as MachineCredentials;
use crate::commands::events::Events;
use crate::commands::grants::Grants;
use crate::commands::health::Health;
use crate::commands::keys::Keys;
use crate::commands::policies::Policies;
use crate::commands::providers::Providers;
use crate::commands::registrations::Registrations;
use crate::commands::scheduler::Scheduler;
use crate::commands::secrets::Secrets;
use crate::commands::tenants::Tenants;
use crate::commands::token::Token;
use crate::commands::webhooks::Webhooks;
use crate::failure::Failure;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  internal or unknown error
  2  usage: wrong flags, or a file that cannot be read
  3  not found
  4  failed precondition, such as a consent that is required
  5  unavailable: try again later
  6  caller unknown, or not allowed
  7  the broker refused an argument
  8  exists already, or changed meanwhile
  9  an audit log does not hold
 10  the user refused the authorization
 11  the authorization lapsed
 12  the authorization failed
130  interrupted";

/// Command line of the token broker.
#[derive(Debug, Parser)]
#[command(name = "brokerctl", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// What the flags of one command forbid to another. Checked before anything is sent.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.globals.output == Format::Token && !matches!(self.command, Command::Token(_)) {
            return Err(Failure::Usage("-o token is for `token get` only".to_owned()));
        }
        Ok(())
    }
}

/// Flags that every command takes, before or after its name.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Where the broker listens
    #[arg(
        long,
        global = true,
        env = "TOKEN_BROKER_ENDPOINT",
        default_value = "http://127.0.0.1:7400",
        value_name = "URL"
    )]
    pub(crate) endpoint: String,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
    /// The tenant
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) tenant: Option<String>,
    /// The provider: evercam, eagle-eye or a configured one
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// The tenant's own id of its user
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// Label of a second account of the user at the provider
    #[arg(long, global = true, value_name = "LABEL")]
    pub(crate) account: Option<String>,
    /// How to print the answer
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    /// How long to wait for the answer
    #[arg(long, global = true, default_value = "40s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
}

/// What the broker and its caller know each other by. Files, because arguments are visible to every process.
#[derive(Clone, Debug, Args)]
pub(crate) struct Credentials {
    /// Certificates (PEM) of the authorities that the broker's certificate may come from, instead of the system's
    #[arg(long, global = true, env = "TOKEN_BROKER_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Certificate (PEM) to show to the broker
    #[arg(long, global = true, env = "TOKEN_BROKER_CERT_FILE", value_name = "FILE")]
    pub(crate) cert_file: Option<PathBuf>,
    /// Key (PEM) of the certificate
    #[arg(long, global = true, env = "TOKEN_BROKER_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Bearer token to show to the broker; read anew at each call
    #[arg(long, global = true, env = "TOKEN_BROKER_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Name in the broker's certificate, where it is not the host of --endpoint
    #[arg(long, global = true, env = "TOKEN_BROKER_SERVER_NAME", value_name = "NAME")]
    pub(crate) server_name: Option<String>,
}

/// How to print the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// Proto JSON of the answer, for programs
    Json,
    /// The same as YAML
    Yaml,
    /// Only the token (`token get`)
    Token,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Customers of the broker
    #[command(subcommand)]
    Tenants(Tenants),
    /// A tenant's OAuth clients at the providers
    #[command(subcommand)]
    Registrations(Registrations),
    /// What callers of the broker may do
    #[command(subcommand)]
    Policies(Policies),
    /// The secrets of an OAuth client, changed without a gap
    #[command(subcommand)]
    Secrets(Secrets),
    /// API keys that stand in place of grants
    #[command(subcommand)]
    Credentials(MachineCredentials),
    /// What users allowed, and how well it fares
    #[command(subcommand)]
    Grants(Grants),
    /// Access tokens
    #[command(subcommand)]
    Token(Token),
    /// Ask a user for consent
    #[command(subcommand)]
    Consent(Consent),
    /// How the refreshing fares, and pausing it
    #[command(subcommand)]
    Scheduler(Scheduler),
    /// The configured providers
    #[command(subcommand)]
    Providers(Providers),
    /// Keys: what they protect, rotated, retired
    #[command(subcommand)]
    Keys(Keys),
    /// What happens to grants, registrations and providers
    #[command(subcommand)]
    Events(Events),
    /// Where events are sent
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// What was done, and whether its record holds
    #[command(subcommand)]
    Audit(Audit),
    /// Whether the broker serves
    Health(Health),
    /// Print the completions of a shell
    Completions(Completions),
}

impl Command {
    /// The words that were typed for it, without flags.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Tenants(Tenants::Create(_)) => "tenants create",
            Self::Tenants(Tenants::Get) => "tenants get",
            Self::Tenants(Tenants::List(_)) => "tenants list",
            Self::Tenants(Tenants::Update(_)) => "tenants update",
            Self::Tenants(Tenants::Delete(_)) => "tenants delete",
            Self::Registrations(Registrations::Create(_)) => "registrations create",
            Self::Policies(Policies::Create(_)) => "policies create",
            Self::Policies(Policies::List(_)) => "policies list",
            Self::Policies(Policies::Delete(_)) => "policies delete",
            Self::Policies(Policies::Explain(_)) => "policies explain",
            Self::Registrations(Registrations::Get(_)) => "registrations get",
            Self::Registrations(Registrations::List(_)) => "registrations list",
            Self::Registrations(Registrations::Update(_)) => "registrations update",
            Self::Registrations(Registrations::Delete(_)) => "registrations delete",
            Self::Registrations(Registrations::Test(_)) => "registrations test",
            Self::Secrets(Secrets::Add(_)) => "secrets add",
            Self::Secrets(Secrets::Retire(_)) => "secrets retire",
            Self::Secrets(Secrets::List(_)) => "secrets list",
            Self::Credentials(MachineCredentials::Create(_)) => "credentials create",
            Self::Credentials(MachineCredentials::List(_)) => "credentials list",
            Self::Credentials(MachineCredentials::Get) => "credentials get",
            Self::Credentials(MachineCredentials::Rotate(_)) => "credentials rotate",
            Self::Credentials(MachineCredentials::Delete(_)) => "credentials delete",
            Self::Scheduler(Scheduler::Status) => "scheduler status",
            Self::Scheduler(Scheduler::Pause(_)) => "scheduler pause",
            Self::Scheduler(Scheduler::Resume) => "scheduler resume",
            Self::Providers(Providers::List(_)) => "providers list",
            Self::Grants(Grants::List(_)) => "grants list",
            Self::Grants(Grants::Import(_)) => "grants import",
            Self::Grants(Grants::Get) => "grants get",
            Self::Grants(Grants::AtRisk(_)) => "grants at-risk",
            Self::Grants(Grants::Refresh) => "grants refresh",
            Self::Grants(Grants::Revoke) => "grants revoke",
            Self::Grants(Grants::RevokeAll(_)) => "grants revoke-all",
            Self::Token(Token::Get(_)) => "token get",
            Self::Token(Token::Watch) => "token watch",
            Self::Token(Token::Report(_)) => "token report",
            Self::Consent(Consent::Start(_)) => "consent start",
            Self::Consent(Consent::Device(_)) => "consent device",
            Self::Consent(Consent::Complete(_)) => "consent complete",
            Self::Consent(Consent::Status(_)) => "consent status",
            Self::Keys(Keys::List(_)) => "keys list",
            Self::Keys(Keys::Rotate(_)) => "keys rotate",
            Self::Keys(Keys::Rotations) => "keys rotations",
            Self::Keys(Keys::Retire(_)) => "keys retire",
            Self::Events(Events::Watch(_)) => "events watch",
            Self::Webhooks(Webhooks::Create(_)) => "webhooks create",
            Self::Webhooks(Webhooks::List(_)) => "webhooks list",
            Self::Webhooks(Webhooks::Get(_)) => "webhooks get",
            Self::Webhooks(Webhooks::Update(_)) => "webhooks update",
            Self::Webhooks(Webhooks::Enable(_)) => "webhooks enable",
            Self::Webhooks(Webhooks::Disable(_)) => "webhooks disable",
            Self::Webhooks(Webhooks::RotateSecret(_)) => "webhooks rotate-secret",
            Self::Webhooks(Webhooks::Redeliver(_)) => "webhooks redeliver",
            Self::Webhooks(Webhooks::Delete(_)) => "webhooks delete",
            Self::Audit(Audit::List(_)) => "audit list",
            Self::Audit(Audit::Verify(_)) => "audit verify",
            Self::Health(_) => "health",
            Self::Completions(_) => "completions",
        }
    }
}
