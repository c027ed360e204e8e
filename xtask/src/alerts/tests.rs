//! What must hold of rules, scenarios, pages and dashboards together; needs no Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{dashboards, healthy::Healthy, rules, scenarios};
use crate::workspace::Workspace;

/// What metrics of the broker begin with.
const OURS: [&str; 5] = ["token_broker_", "rpc_server_", "http_client_", "db_client_", "process_"];

fn workspace() -> Workspace {
    Workspace::at(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
}

fn read(path: &str) -> String {
    fs::read_to_string(workspace().root().join(path)).unwrap()
}

fn alerts() -> Vec<rules::Alert> {
    let alerts = rules::alerts(workspace().root()).unwrap();
    assert!(alerts.len() > 40, "the rules are read: {}", alerts.len());
    alerts
}

#[test]
fn every_alert_fires_in_a_scenario() {
    let texts = scenarios(&workspace()).unwrap().into_iter().map(|file| fs::read_to_string(file).unwrap());
    let fired: String = texts.flat_map(|text| firings(&text)).collect();
    for alert in alerts() {
        assert!(
            fired.contains(&format!("alertname=\"{}\"", alert.name)),
            "{} fires in no scenario",
            alert.name
        );
    }
}

/// The expressions that are expected to be answered.
fn firings(text: &str) -> Vec<String> {
    let mut expressions = Vec::new();
    let mut asked = "";
    for line in text.lines().map(str::trim) {
        if let Some(expression) = line.strip_prefix("- expr: ") {
            asked = expression;
        } else if line.starts_with("exp_samples: [{") {
            expressions.push(asked.to_owned());
        }
    }
    expressions
}

#[test]
fn every_alert_has_a_page_that_says_what_to_do() {
    for alert in alerts() {
        let page = read(&alert.runbook);
        assert!(page.contains(&format!("`{}`", alert.name)), "{} is not in {}", alert.name, alert.runbook);
    }
}

#[test]
fn every_page_has_the_same_parts_and_is_in_the_index() {
    let index = read("docs/runbooks/README.md");
    for entry in fs::read_dir(workspace().root().join("docs/runbooks")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        assert!(index.contains(&format!("]({name})")), "{name} is not in the index");
        let page = read(&format!("docs/runbooks/{name}"));
        for part in ["## What it means", "## How to look", "## What to do", "## When it is over"] {
            assert!(page.contains(&format!("\n{part}\n")), "{name} lacks `{part}`");
        }
    }
}

#[test]
fn pages_name_no_alert_that_is_not_there() {
    let known: BTreeSet<String> = alerts().into_iter().map(|alert| alert.name).collect();
    for entry in fs::read_dir(workspace().root().join("docs/runbooks")).unwrap() {
        let path = entry.unwrap().path();
        let page = fs::read_to_string(&path).unwrap();
        for word in page.split('`').filter(|word| word.starts_with("TokenBroker") && !word.contains(' ')) {
            assert!(known.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn a_healthy_installation_has_every_metric_that_is_named() {
    let there = Healthy::parse(&read("deploy/prometheus/tests/healthy.prom")).unwrap().names();
    let mut texts = vec![
        ("recording.rules.yaml".to_owned(), rules::read(workspace().root(), "recording.rules.yaml").unwrap()),
        ("alerts.rules.yaml".to_owned(), rules::read(workspace().root(), "alerts.rules.yaml").unwrap()),
    ];
    let queries = dashboards::queries(workspace().root()).unwrap();
    assert!(queries.len() > 90, "the dashboards are read: {}", queries.len());
    texts.extend(queries.into_iter().map(|query| (query.place, query.expression)));
    for (place, text) in texts {
        for name in metrics(&text) {
            assert!(there.contains(name), "{place} names {name}, which is not in healthy.prom");
        }
    }
}

/// What is spelt like a metric of ours.
fn metrics(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != ':');
    words.filter(|word| OURS.iter().any(|ours| word.starts_with(ours) && *word != *ours))
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    for dashboard in dashboards::all(workspace().root()).unwrap() {
        let mut ids = BTreeSet::new();
        for panel in dashboard.panels() {
            let (kind, place) = (dashboards::text(panel.json, "type"), panel.place());
            assert!(ids.insert(panel.json["id"].as_u64().unwrap()), "{place}: an id stands twice");
            if kind == "row" {
                continue;
            }
            assert!(!dashboards::text(panel.json, "description").is_empty(), "{place} has no description");
            if kind == "text" {
                continue;
            }
            let defaults = &panel.json["fieldConfig"]["defaults"];
            let told = !dashboards::text(defaults, "unit").is_empty() || !defaults["mappings"].is_null();
            assert!(told, "{place} has neither unit nor words");
            assert_eq!(panel.json["datasource"]["uid"], "${datasource}", "{place}");
            assert!(!panel.queries().is_empty(), "{place} asks nothing");
        }
        assert!(ids.len() > 10, "{}", dashboard.file);
    }
}

#[test]
fn no_panel_lies_over_another() {
    for dashboard in dashboards::all(workspace().root()).unwrap() {
        let places: Vec<_> = dashboard.panels().map(|panel| (panel.place(), square(panel.json))).collect();
        for (index, (name, [x, y, w, h])) in places.iter().enumerate() {
            assert!(x + w <= 24, "{name} is wider than the screen");
            for (other, [ox, oy, ow, oh]) in &places[..index] {
                let apart = x + w <= *ox || ox + ow <= *x || y + h <= *oy || oy + oh <= *y;
                assert!(apart, "{name} lies over {other}");
            }
        }
    }
}

fn square(panel: &Value) -> [u64; 4] {
    ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap())
}

#[test]
fn a_healthy_installation_has_the_labels_that_are_documented() {
    let documented = documented(&read("docs/metrics.md"));
    assert!(documented.len() > 50, "the tables are read: {}", documented.len());
    let healthy = read("deploy/prometheus/tests/healthy.prom");
    for line in healthy.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, labels) = line.rsplit_once(' ').unwrap().0.split_once('{').unwrap_or((line, ""));
        let name = name.split(' ').next().unwrap_or_default();
        let known = ["", "_bucket", "_sum", "_count"]
            .iter()
            .find_map(|part| documented.get(name.strip_suffix(part)?));
        let labels: BTreeSet<_> = label_names(labels).filter(|label| label != "le").collect();
        assert_eq!(Some(&labels), known, "{name} in healthy.prom and in docs/metrics.md");
    }
}

#[test]
fn what_is_an_alert_by_itself_has_a_rule() {
    let page = read("docs/metrics.md");
    let rules = rules::read(workspace().root(), "alerts.rules.yaml").unwrap();
    let ruled: BTreeSet<&str> = metrics(&rules).collect();
    let any = rows(&page).filter(|cells| cells.last().is_some_and(|alert| alert.starts_with("any")));
    let any: Vec<_> = any.filter_map(|cells| named(cells[0]).pop()).collect();
    assert!(any.len() > 4, "the tables are read: {any:?}");
    for name in any {
        assert!(
            ruled.contains(name.as_str()),
            "docs/metrics.md: any of {name} is an alert, and no rule names it"
        );
    }
}

/// Labels by metric, from tables whose rows begin with a name, a kind and labels.
fn documented(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    rows(page)
        .filter_map(|cells| Some((named(cells[0]).pop()?, named(cells[2]).into_iter().collect())))
        .collect()
}

/// The cells of each metric.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| {
        let row = row.strip_prefix('|').and_then(|row| row.strip_suffix('|')).unwrap_or(row);
        row.split('|').map(str::trim).collect::<Vec<_>>()
    });
    cells.filter(|cells| cells.len() > 3)
}

fn named(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn label_names(labels: &str) -> impl Iterator<Item = String> {
    let parts = labels.split('"').step_by(2).map(|part| part.trim_matches([',', '=', '}', ' ']).to_owned());
    parts.filter(|name| !name.is_empty())
}
