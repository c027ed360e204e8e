//! `cargo xtask chaos`: builds the broker and the storm, and lets the storm loose.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::workspace::Workspace;

/// What CI runs: 300 kills within minutes on two cores.
const SHORT: (usize, usize) = (300, 500);
/// What a night is for.
const LONG: (usize, usize) = (3_000, 1_000);

/// What to storm against, and for how long.
#[derive(Args)]
pub(crate) struct ChaosArgs {
    /// 300 kills, 500 grants, where these are not given; without it 3,000 and 1,000
    #[arg(long)]
    short: bool,
    /// How many processes to kill
    #[arg(long)]
    kills: Option<usize>,
    /// Grants, in equal parts at each kind of provider
    #[arg(long)]
    grants: Option<usize>,
    /// Processes that serve
    #[arg(long, default_value_t = 3)]
    replicas: usize,
    /// What all random choices come from [default: drawn and printed]
    #[arg(long)]
    seed: Option<u64>,
    /// Check that the storm notices: the escrow is skipped, and too many grants must be lost for that
    #[arg(long)]
    expect_red: bool,
    /// Arguments for the storm, after `--`
    #[arg(last = true, value_name = "STORM ARGUMENTS")]
    rest: Vec<String>,
}

/// Builds what tests are built of, which CI has done already, then runs the storm.
pub(crate) fn run(workspace: &Workspace, args: &ChaosArgs) -> Result<ExitCode> {
    build(workspace)?;
    let debug = workspace.target_dir().join("debug");
    let mut storm = Command::new(debug.join("storm"));
    storm.current_dir(workspace.root()).arg("--broker").arg(debug.join("token_broker_under_test"));
    storm.args(options(args)).args(&args.rest);
    let status = storm.status().context("cannot start the storm")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn build(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.command("cargo");
    // An integration test is built with the programs of its package. Of the package alone they would be built once more,
    // with other features of what they depend on.
    cargo.args(["test", "--workspace", "--test", "e2e", "--no-run", "--locked"]);
    let status = cargo.status()?;
    ensure!(status.success(), "cannot build the storm: see the compiler's messages above");
    Ok(())
}

fn options(args: &ChaosArgs) -> Vec<String> {
    let (kills, grants) = if args.short { SHORT } else { LONG };
    let mut options = vec![
        format!("--kills={}", args.kills.unwrap_or(kills)),
        format!("--grants={}", args.grants.unwrap_or(grants)),
        format!("--replicas={}", args.replicas),
    ];
    options.extend(args.seed.map(|seed| format!("--seed={seed}")));
    options.extend(args.expect_red.then(|| "--expect-red".to_owned()));
    options
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        chaos: ChaosArgs,
    }

    #[test]
    fn the_short_form_gives_way_to_what_is_said() {
        let args = |words: &[&str]| options(&Cli::parse_from([&["xtask"], words].concat()).chaos);
        assert_eq!(args(&["--short"]), ["--kills=300", "--grants=500", "--replicas=3"]);
        let said = args(&["--short", "--kills", "9", "--seed", "4", "--expect-red"]);
        assert_eq!(said, ["--kills=9", "--grants=500", "--replicas=3", "--seed=4", "--expect-red"]);
    }
}
