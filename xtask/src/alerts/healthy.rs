//! `deploy/prometheus/tests/healthy.prom`: a healthy installation, as the scenario of a rule test and as a page to scrape.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::rules::{self, Alert};
use crate::workspace::Workspace;

/// One line of the page.
#[derive(Debug, Clone)]
struct Series {
    /// With its labels.
    name: String,
    value: f64,
    change: Change,
}

/// What becomes of a value as time passes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    /// A gauge.
    Stays,
    /// A counter: by its value each minute.
    Grows,
    /// A moment: so many seconds from now, always.
    GoesAlong,
}

/// The page.
#[derive(Debug, Clone)]
pub(super) struct Healthy(Vec<Series>);

impl Healthy {
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        Self::parse(&rules::read(workspace.root(), "tests/healthy.prom")?)
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(Series::parse).collect::<Result<_>>().map(Self)
    }

    /// The names of its metrics, without labels.
    #[cfg(test)]
    pub(super) fn names(&self) -> std::collections::BTreeSet<String> {
        self.0.iter().map(|series| series.metric().to_owned()).collect()
    }

    /// What the page says `elapsed` seconds after it began to be played, `now` seconds after 1970.
    pub(super) fn page(&self, elapsed: f64, now: f64) -> String {
        self.0.iter().fold(String::new(), |mut page, series| {
            let value = match series.change {
                Change::Stays => series.value,
                Change::Grows => series.value * elapsed / 60.0,
                Change::GoesAlong => series.value + now,
            };
            // Writing to a string does not fail.
            let _ = writeln!(page, "{} {value}", series.name);
            page
        })
    }

    /// The scenario in which none of the `alerts` may fire, nor wait to.
    pub(super) fn scenario(&self, rules: &Path, alerts: &[Alert]) -> String {
        let folder = rules.display();
        let mut text = format!(
            "rule_files: ['{folder}/recording.rules.yaml', '{folder}/alerts.rules.yaml']\n\
             evaluation_interval: 1m\ntests:\n  - name: a healthy installation\n    interval: 1m\n    input_series:\n\
             \x20     - {{ series: 'up{{job=\"token-broker\", instance=\"a\"}}', values: '1x180' }}\n"
        );
        for series in &self.0 {
            let (name, values) = (series.at_instance(), series.values());
            let _ = writeln!(text, "      - {{ series: '{name}', values: '{values}' }}");
        }
        text.push_str("    promql_expr_test:\n");
        for time in ["20m", "3h"] {
            let _ = writeln!(text, "      - {{ expr: ALERTS, eval_time: {time}, exp_samples: [] }}");
        }
        text.push_str("    alert_rule_test:\n");
        for alert in alerts {
            let _ = writeln!(text, "      - {{ eval_time: 3h, alertname: {}, exp_alerts: [] }}", alert.name);
        }
        text
    }
}

impl Series {
    fn parse(line: &str) -> Result<Self> {
        let (name, value) = line.rsplit_once(' ').with_context(|| format!("`{line}` has no value"))?;
        let value = value.parse().with_context(|| format!("`{line}` has no number"))?;
        let mut series = Self { name: name.to_owned(), value, change: Change::Stays };
        let metric = series.metric();
        if ["_total", "_bucket", "_sum", "_count"].iter().any(|ending| metric.ends_with(ending)) {
            series.change = Change::Grows;
        } else if metric.ends_with("_timestamp_seconds") {
            series.change = Change::GoesAlong;
        }
        Ok(series)
    }

    fn metric(&self) -> &str {
        self.name.split('{').next().unwrap_or_default()
    }

    /// As Prometheus names what it scraped.
    fn at_instance(&self) -> String {
        let labels = self.name.strip_prefix(self.metric()).unwrap_or_default();
        let labels = labels.trim_start_matches('{').trim_end_matches('}');
        let comma = if labels.is_empty() { "" } else { "," };
        format!("{}{{job=\"token-broker\",instance=\"a\"{comma}{labels}}}", self.metric())
    }

    /// Three hours of it.
    fn values(&self) -> String {
        let value = self.value;
        match self.change {
            Change::Stays => format!("{value}x180"),
            Change::Grows => format!("0+{value}x180"),
            Change::GoesAlong => format!("{value}+60x180"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_grow_moments_go_along_and_gauges_stay() {
        let healthy = Healthy::parse("# x\n\na_total{b=\"c d\"} 6\nend_timestamp_seconds 5\ng 7\n").unwrap();
        assert_eq!(healthy.page(20.0, 100.0), "a_total{b=\"c d\"} 2\nend_timestamp_seconds 105\ng 7\n");
        let scenario = healthy.scenario(Path::new("/rules"), &[]);
        assert!(
            scenario.contains("'a_total{job=\"token-broker\",instance=\"a\",b=\"c d\"}', values: '0+6x180'")
        );
        assert!(scenario.contains("'g{job=\"token-broker\",instance=\"a\"}', values: '7x180'"));
    }
}
