//! What the storm came to, for people and for programs.
#![expect(clippy::print_stdout, reason = "the report is the command's output")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::judge::{Charge, Loss, Verdict};
use crate::profile::Profile;
use crate::watch::Doubt;

/// Charges told in full; of more only the number is told.
const TOLD: usize = 20;

/// The whole result of one storm.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) replicas: usize,
    pub(crate) grants: usize,
    pub(crate) stores: &'static str,
    pub(crate) failpoint: Option<String>,
    pub(crate) seconds: f64,
    /// Refreshes that the providers carried out.
    pub(crate) rotations: usize,
    pub(crate) tokens_vended: usize,
    pub(crate) calls_refused: usize,
    pub(crate) longest_doubt: Option<Doubt>,
    /// Seconds that a grant may stand in doubt.
    pub(crate) longest_doubt_allowed: f64,
    pub(crate) verdict: Verdict,
}

impl Report {
    /// Prints it, and writes it into the directory if there is one.
    pub(crate) fn publish(&self, directory: Option<&Path>) -> Result<()> {
        let markdown = self.markdown();
        println!("\n{markdown}");
        if let Some(directory) = directory {
            fs::create_dir_all(directory)?;
            fs::write(directory.join("storm.json"), serde_json::to_vec_pretty(self)?)?;
            fs::write(directory.join("storm.md"), markdown)?;
        }
        Ok(())
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string never fails.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let verdict = &self.verdict;
        writeln!(text, "| storm | |\n|---|---|")?;
        writeln!(
            text,
            "| on | {}, {} replicas, {} grants, seed {} |",
            self.stores, self.replicas, self.grants, self.seed
        )?;
        writeln!(text, "| kills | {} |", verdict.kills)?;
        writeln!(text, "| rotations | {} |", self.rotations)?;
        writeln!(text, "| tokens vended | {} |", self.tokens_vended)?;
        writeln!(text, "| calls refused | {} |", self.calls_refused)?;
        writeln!(text, "| attempts met by a kill | {} |", verdict.hit)?;
        writeln!(text, "| of them rescued by the escrow | {} |", verdict.rescued)?;
        let [median, most] = verdict.unread_micros;
        writeln!(text, "| answers unread for | {median} us, 99 % up to {most} us |")?;
        writeln!(text, "| double-spends | {} |", verdict.double_spends)?;
        writeln!(text, "| events in the log | {} |", verdict.events)?;
        let doubt = self.longest_doubt.as_ref().map_or(0.0, |doubt| doubt.seconds);
        writeln!(text, "| longest doubt | {doubt:.1} s of {:.1} s |", self.longest_doubt_allowed)?;
        writeln!(text, "| took | {:.0} s |\n", self.seconds)?;
        writeln!(text, "| lost | C4 | C5 | record present | unattributed |\n|---|---|---|---|---|")?;
        for profile in Profile::ALL {
            let count = |at: fn(&Loss) -> bool| verdict.lost(profile, at);
            writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                profile.name(),
                count(|loss| matches!(loss, Loss::C4)),
                count(|loss| matches!(loss, Loss::C5 { .. })),
                count(|loss| matches!(loss, Loss::RecordPresent(_))),
                count(|loss| matches!(loss, Loss::Unattributed(_))),
            )?;
        }
        self.write_c5(text)?;
        self.write_charges(text)
    }

    fn write_c5(&self, text: &mut String) -> std::fmt::Result {
        let verdict = &self.verdict;
        writeln!(
            text,
            "\nC5: {} of {} allowed ({:.1} expected, going by how long answers lay unread).",
            verdict.c5(),
            verdict.c5_allowed(),
            verdict.c5_expected
        )?;
        for loss in verdict.losses.values().flatten() {
            if let Loss::C5 { left_micros, started_micros } = loss {
                let alive = *started_micros as f64 / 1e6;
                writeln!(
                    text,
                    "- the answer left {left_micros} us before the kill, {alive:.1} s after the start"
                )?;
            }
        }
        Ok(())
    }

    fn write_charges(&self, text: &mut String) -> std::fmt::Result {
        let charges = &self.verdict.charges;
        if charges.is_empty() {
            return writeln!(text, "\nNothing happened that must not.");
        }
        writeln!(text, "\nWhat must not happen ({}):\n", charges.len())?;
        for (charge, detail) in charges.iter().take(TOLD) {
            writeln!(text, "- {}: {detail}", charge.words())?;
        }
        if charges.len() > TOLD {
            writeln!(text, "- and {} more", charges.len() - TOLD)?;
        }
        Ok(())
    }

    /// Whether the storm went as it should: nothing charged, or, where red is expected, too many losses before the escrow.
    pub(crate) fn is_as_expected(&self, red: bool) -> bool {
        match red {
            true => self.verdict.is_charged_with(Charge::TooManyC5),
            false => self.verdict.charges.is_empty(),
        }
    }
}
