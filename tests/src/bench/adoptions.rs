//! What was adopted when, by the broker's own log: it says so once the store has committed.

use std::collections::HashMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Token;

/// Adoptions in a span of time.
pub struct Adoptions {
    /// How many.
    pub count: usize,
    /// From the answer to its adoption, in milliseconds, in ascending order.
    delays: Vec<f64>,
}

/// The end of an attempt, as docs/log-events.md has it.
#[derive(Deserialize)]
struct Line {
    timestamp: String,
    kind: String,
    conclusion: String,
    grant: String,
    generation: u64,
}

impl Line {
    fn is_adoption(&self) -> bool {
        self.kind == "refresh" && self.conclusion == "adopted"
    }
}

impl Adoptions {
    /// Reads the log. `grants` are the grants' numbers by their ids, `answered` says when each token was answered;
    /// all times are microseconds since 1970.
    pub fn read(
        log: &Path,
        (from, to): (u64, u64),
        grants: &HashMap<String, usize>,
        answered: &HashMap<Token, u64>,
    ) -> Result<Self> {
        let text = std::fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
        let mut adoptions = Self { count: 0, delays: Vec::new() };
        for line in text.lines().filter(|line| line.contains(r#""event":"rotation""#)) {
            let line: Line = serde_json::from_str(line).with_context(|| format!("a rotation: {line}"))?;
            let at = micros(&line.timestamp)?;
            if !line.is_adoption() || !(from..to).contains(&at) {
                continue;
            }
            let grant = *grants.get(&line.grant).context("a grant nobody has consented to")?;
            // Generation 1 came with the consent.
            let token = Token { grant, rotations: line.generation - 1 };
            let answer = answered.get(&token).context("an adoption of what was never answered")?;
            adoptions.count += 1;
            adoptions.delays.push(at.saturating_sub(*answer) as f64 / 1000.0);
        }
        adoptions.delays.sort_by(f64::total_cmp);
        Ok(adoptions)
    }

    /// The delay that so many parts of 100 do not exceed.
    pub fn delay(&self, percent: usize) -> f64 {
        let last = self.delays.len().saturating_sub(1);
        self.delays.get(last * percent / 100).copied().unwrap_or_default()
    }
}

fn micros(timestamp: &str) -> Result<u64> {
    let time = humantime::parse_rfc3339_weak(timestamp).context("a line of the log without its time")?;
    Ok(u64::try_from(time.duration_since(UNIX_EPOCH)?.as_micros())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adoptions_of_the_span_count_from_their_answer() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let line = |time, conclusion, generation| {
            format!(
                r#"{{"timestamp":"1970-01-01T00:00:{time}Z","level":"INFO","event":"rotation","kind":"refresh","conclusion":"{conclusion}","grant":"g","generation":{generation}}}"#
            )
        };
        let lines = [
            line("01.400000", "throttled", 1),
            line("01.500000", "adopted", 2),
            line("03.000000", "adopted", 3),
            "{\"message\":\"else\"}".to_owned(),
        ];
        std::fs::write(&log, lines.join("\n")).unwrap();
        let (grants, token) = (HashMap::from([("g".to_owned(), 7)]), Token { grant: 7, rotations: 1 });
        let read = |to| Adoptions::read(&log, (1_000_000, to), &grants, &HashMap::from([(token, 1_400_000)]));
        let adoptions = read(2_000_000).unwrap();
        assert_eq!((adoptions.count, adoptions.delay(50), adoptions.delay(99)), (1, 100.0, 100.0));
        assert!(read(4_000_000).is_err(), "nobody has answered the third");
    }
}
