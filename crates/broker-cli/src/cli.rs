//! The command line as a whole: flags that every command takes, and the commands.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::completions::Completions;
use crate::commands::consent::Consent;
use crate::commands::grants::Grants;
use crate::commands::health::Health;
use crate::commands::registrations::Registrations;
use crate::commands::tenants::Tenants;
use crate::commands::token::Token;
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
  8  exists already, or changed meanwhile";

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

/// How to print the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// Proto JSON of the answer, for programs
    Json,
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
    /// What users allowed, and how well it fares
    #[command(subcommand)]
    Grants(Grants),
    /// Access tokens
    #[command(subcommand)]
    Token(Token),
    /// Ask a user for consent
    #[command(subcommand)]
    Consent(Consent),
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
            Self::Tenants(Tenants::Delete(_)) => "tenants delete",
            Self::Registrations(Registrations::Create(_)) => "registrations create",
            Self::Grants(Grants::List(_)) => "grants list",
            Self::Grants(Grants::Get) => "grants get",
            Self::Grants(Grants::Refresh) => "grants refresh",
            Self::Grants(Grants::Revoke) => "grants revoke",
            Self::Grants(Grants::RevokeAll(_)) => "grants revoke-all",
            Self::Token(Token::Get(_)) => "token get",
            Self::Consent(Consent::Start(_)) => "consent start",
            Self::Consent(Consent::Complete(_)) => "consent complete",
            Self::Consent(Consent::Status(_)) => "consent status",
            Self::Health(_) => "health",
            Self::Completions(_) => "completions",
        }
    }
}
