//! The command line of `token-broker`.

use std::convert::Infallible;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use broker_core::Clock as _;
use broker_crypto::OsEntropy;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::complaint::complaint;
use crate::config::{self, Config, Loaded};
use crate::reload::Reloader;
use crate::role::Role;
use crate::stop::StopSignals;
use crate::store::Store;
use crate::{Surroundings, SystemClock, hardening, keys, limits, panics, serve, store_command, telemetry};

/// What still blocks when everything else has ended is waited for no longer.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// Keeps users' OAuth grants and vends fresh access tokens over gRPC.
#[derive(Parser)]
#[command(name = "token-broker", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the broker
    Serve {
        /// Configuration file (TOML); TOKEN_BROKER__SECTION__KEY overrides a key
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// What this process does
        #[arg(long, value_enum, default_value_t = Role::All)]
        role: Role,
    },
    /// Run a broker with simulators of both providers: no server, no network, nothing to configure
    #[cfg(feature = "dev")]
    Dev(crate::dev::DevArgs),
    /// Bring the store's schema up to date, then exit
    Migrate {
        /// Configuration file (TOML)
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Decide about the store as a whole
    #[command(subcommand)]
    Store(StoreCommand),
    /// Look into a journal
    #[command(subcommand)]
    Escrow(EscrowCommand),
    /// Print or check configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make key material
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Subcommand)]
enum StoreCommand {
    /// Declare this store the only copy, after a restore: refresh goes on, under a new installation id. Never run it on
    /// a clone while the original is in use: the two would spend each other's refresh tokens
    Adopt {
        /// Configuration file (TOML)
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum EscrowCommand {
    /// List the records of a journal, or of a copy of one: which attempts were answered, never what
    Inspect {
        /// Directory of the journal
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print the commented default configuration
    Default,
    /// Say what is wrong with a configuration, and where
    Check {
        /// Configuration file (TOML)
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The role it is for
        #[arg(long, value_enum, default_value_t = Role::All)]
        role: Role,
    },
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Make a key encryption key: one line `kid:base64(32 bytes)`
    Generate {
        /// Write to this file, which must not exist, instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Name of the key
        #[arg(long, default_value = "kek-1")]
        kid: String,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", complaint(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    hardening::harden().context("cannot forbid core dumps")?;
    // Fails only if a provider is installed already, which is then the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match command {
        Command::Serve { config, role } => {
            block_on(run_server(config::read_as(config.as_deref(), role)?, config, role))
        }
        #[cfg(feature = "dev")]
        Command::Dev(args) => block_on(crate::dev::run(args)),
        Command::Migrate { config } => block_on(migrate(config::load_for_migration(config.as_deref())?)),
        Command::Store(StoreCommand::Adopt { config }) => {
            block_on(store_command::adopt(config::load(config.as_deref())?))
        }
        Command::Escrow(EscrowCommand::Inspect { dir }) => print(&store_command::inspect_escrow(&dir)?),
        Command::Config(ConfigCommand::Default) => print(config::DEFAULT_TOML),
        Command::Config(ConfigCommand::Check { config, role }) => check(config.as_deref(), role),
        Command::Keys(KeysCommand::Generate { out, kid }) => keys::generate(&kid, out.as_deref(), &OsEntropy),
    }
}

fn block_on(task: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(task);
    // A write to the journal ends by itself. A collector that hangs does not.
    runtime.shutdown_timeout(LAST_WRITES);
    done
}

async fn run_server(loaded: Loaded, path: Option<PathBuf>, role: Role) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    // From here on: before it, SIGHUP ends the process.
    let hangups = signal(SignalKind::hangup())?;
    let telemetry = telemetry::init_serving(&loaded.config, role, &OsEntropy)?;
    panics::install();
    limits::raise_files(&loaded.config);
    let around = Surroundings { telemetry: telemetry.clone(), ..Surroundings::of_this_machine() };
    let served = serve_until_asked(loaded, path, role, around, (&mut stop, hangups)).await;
    if !stop.is_hurried() {
        stop.unless_asked(telemetry.flush()).await;
    }
    served
}

async fn serve_until_asked(
    loaded: Loaded,
    path: Option<PathBuf>,
    role: Role,
    around: Surroundings,
    (stop, hangups): (&mut StopSignals, Signal),
) -> anyhow::Result<()> {
    let starting = serve::start_as(role, &loaded.config, around);
    let Some(started) = stop.unless_asked(starting).await else {
        tracing::info!("stopped before serving");
        return Ok(());
    };
    let running = started?;
    let reloader = path.map(|path| Reloader::new(path, role, running.reloadable(), loaded));
    print(&format!("{}\n", running.addresses_json()))?;
    let failed = tokio::select! {
        () = stop.asked() => false,
        () = running.failed() => true,
        never = reload(reloader, hangups) => match never {},
    };
    running.shutdown_unless(stop.asked()).await;
    ensure!(!failed, "something that the broker cannot do without has ended; the log says what");
    Ok(())
}

/// Without a file there is nothing to read again, and SIGHUP changes nothing. Never ends.
async fn reload(reloader: Option<Reloader>, mut hangups: Signal) -> Infallible {
    match reloader {
        Some(reloader) => reloader.run(hangups).await,
        None => {
            while hangups.recv().await.is_some() {
                tracing::info!("there is no configuration file to read again");
            }
            std::future::pending().await
        }
    }
}

async fn migrate(config: Config) -> anyhow::Result<()> {
    telemetry::init(&config.log, None)?;
    let left_to_do = Store::migrate(&config).await?;
    print("the store's schema is up to date\n")?;
    left_to_do.map_or(Ok(()), |advice| print(&format!("{advice}\n")))
}

fn check(path: Option<&std::path::Path>, role: Role) -> anyhow::Result<()> {
    let config = config::load_as(path, role)?;
    for warning in config.warnings(SystemClock.now()) {
        eprintln!("token-broker: warning: {warning}");
    }
    print("the configuration is good\n")
}

pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let mut stdout = std::io::stdout();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
