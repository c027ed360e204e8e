//! The live table of grants: redrawn in place on a terminal, a line per rotation elsewhere.

use std::collections::HashMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

use broker_core::{Clock, Timestamp};
use broker_proto::v1::Grant;

use super::say;
use super::walk::Walk;
use crate::SystemClock;

const REDRAW: Duration = Duration::from_secs(1);

/// Shows the grants until the task is dropped.
pub(super) async fn watch(walk: &Walk) -> anyhow::Result<()> {
    let mut screen = Screen { in_place: std::io::stdout().is_terminal(), lines: 0, seen: HashMap::new() };
    loop {
        let now = SystemClock.now();
        screen.show(&walk.grants().await?, now)?;
        SystemClock.sleep_until(now + REDRAW).await;
    }
}

struct Screen {
    in_place: bool,
    /// Lines drawn last time, to go back over.
    lines: usize,
    /// Generation shown last, by grant.
    seen: HashMap<String, u64>,
}

impl Screen {
    fn show(&mut self, grants: &[Grant], now: Timestamp) -> anyhow::Result<()> {
        match self.in_place {
            true => self.redraw(grants, now),
            false => self.append(grants, now),
        }
    }

    fn redraw(&mut self, grants: &[Grant], now: Timestamp) -> anyhow::Result<()> {
        let table = table(grants, now);
        // Up over the last table, then to the end of the screen: wipe.
        let back = if self.lines > 0 { format!("\x1b[{}A\x1b[J", self.lines) } else { String::new() };
        self.lines = table.lines().count();
        say(back + &table)
    }

    fn append(&mut self, grants: &[Grant], now: Timestamp) -> anyhow::Result<()> {
        for grant in grants {
            let rotated =
                self.seen.insert(grant.grant_id.clone(), grant.generation) != Some(grant.generation);
            if rotated {
                say(row(grant, now))?;
            }
        }
        Ok(())
    }
}

fn table(grants: &[Grant], now: Timestamp) -> String {
    let head = String::from("tenant demo\n")
        + &columns(["PROVIDER", "USER", "STATE", "GENERATION", "EXPIRES", "NEXT REFRESH", "GRANT DIES"]);
    grants.iter().fold(head, |table, grant| table + &row(grant, now))
}

fn row(grant: &Grant, now: Timestamp) -> String {
    let key = grant.key.clone().unwrap_or_default();
    let state = grant.state().as_str_name().trim_start_matches("GRANT_STATE_").to_lowercase();
    columns([
        &key.provider,
        &key.user_id,
        &state,
        &grant.generation.to_string(),
        &until(grant.access_token_expire_time, now),
        &until(grant.next_refresh_time, now),
        &until(grant.grant_expire_time, now),
    ])
}

fn columns(cells: [&str; 7]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.into_iter().zip([10, 8, 8, 11, 9, 13, 0]) {
        // Writing to a string never fails.
        let _ = write!(line, "{cell:<width$} ");
    }
    line.truncate(line.trim_end().len());
    line + "\n"
}

/// `in 52s`, `in 29d`; `now` for what is due.
fn until(time: Option<prost_types::Timestamp>, now: Timestamp) -> String {
    let Some(time) = time else { return "-".to_owned() };
    match Timestamp::from_unix_seconds(time.seconds).since(now).as_secs() {
        0 => "now".to_owned(),
        s if s < 120 => format!("in {s}s"),
        s if s < 7200 => format!("in {}m", s / 60),
        s if s < 172_800 => format!("in {}h", s / 3600),
        s => format!("in {}d", s / 86_400),
    }
}
