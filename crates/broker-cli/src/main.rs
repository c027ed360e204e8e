//! `brokerctl`: the token broker from a terminal. A gRPC client and nothing else.

mod cli;
mod commands;
mod connection;
mod exit;
mod failure;
mod next_step;
mod output;
mod secret_input;
mod secret_output;
mod session;
mod when;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Style, print_error};
use crate::session::Session;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let (globals, command) = (cli.globals.clone(), cli.command.words());
    match run(cli).await {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => {
            print_error(&failure, &globals, command, Style::of_stderr());
            failure.exit().into()
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    cli.check()?;
    let session = Session::open(cli.globals)?;
    commands::run(cli.command, &session).await
}
