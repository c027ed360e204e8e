//! A config key, metric, role or environment variable that a paper names exists in the binary.

use super::known::{database_roles, is_key, keys, metrics, roles, variables_of_brokerctl};
use super::papers::{Paper, papers, root};

/// What Prometheus makes of a histogram.
const OF_HISTOGRAMS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Shows how names are made, and is none.
const PATTERN: &str = "TOKEN_BROKER__SECTION__KEY";
const KEY_PATTERN: [&str; 2] = ["section", "key"];

/// The program of these tests, which checks of manifests ask.
const UNDER_TEST: &str = "token_broker_under_test";

/// Variables of the OpenTelemetry SDK: the one the broker reads, and those by which its batches are sized.
const OF_TELEMETRY: [&str; 3] = ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_BSP_", "OTEL_BLRP_"];

/// Named because it is not read.
const NOT_READ: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[track_caller]
pub(super) fn none_is_unknown<'a>(papers: &'a [Paper], unknown: impl Fn(&'a Paper) -> Vec<(usize, String)>) {
    let all: Vec<_> = papers
        .iter()
        .flat_map(|paper| {
            unknown(paper).into_iter().map(|(line, name)| format!("{}:{line}: {name}", paper.path))
        })
        .collect();
    assert!(all.is_empty(), "the binary does not know:\n{}", all.join("\n"));
}

#[test]
fn every_environment_variable_is_a_key() {
    let keys = keys();
    assert!(keys.len() > 100, "{keys:?}");
    let part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    none_is_unknown(&papers(), |paper| {
        let named = paper.words("TOKEN_BROKER__", part).filter(|(_, name)| *name != PATTERN);
        let unknown = named.filter(|(_, name)| {
            let path = name["TOKEN_BROKER__".len()..].to_lowercase();
            !is_key(&keys, &path.split("__").collect::<Vec<_>>())
        });
        unknown.map(|(line, name)| (line, name.to_owned())).collect()
    });
}

#[test]
fn every_variable_with_one_underscore_is_brokerctls() {
    let (papers, part) = (papers(), |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let named = |paper: &Paper| -> Vec<(usize, String)> {
        let named =
            paper.words("TOKEN_BROKER_", part).filter(|(_, name)| !name.starts_with("TOKEN_BROKER__"));
        named.map(|(line, name)| (line, name.to_owned())).collect()
    };
    let mut known = variables_of_brokerctl();
    assert!(known.len() > 4, "{known:?}");
    // An example is a program too.
    let examples = papers.iter().filter(|paper| paper.path.starts_with("docs/examples/"));
    let examples = examples.filter(|paper| !paper.path.ends_with(".md"));
    known.extend(examples.flat_map(|example| named(example).into_iter().map(|(_, name)| name)));
    assert!(papers.iter().map(|paper| named(paper).len()).sum::<usize>() > 15, "papers name variables");
    none_is_unknown(&papers, |paper| {
        // What ends in `_` stands for all of them.
        let is_known = |name: &str| known.contains(name) || name == "TOKEN_BROKER_";
        named(paper).into_iter().filter(|(_, name)| !is_known(name)).collect()
    });
}

#[test]
fn every_variable_of_telemetry_is_read() {
    let source =
        std::fs::read_to_string(root().join("crates/broker-server/src/config/telemetry.rs")).unwrap();
    assert!(source.contains(&format!("\"{}\"", OF_TELEMETRY[0])) && !source.contains(NOT_READ));
    let part = |c: char| c.is_ascii_uppercase() || c == '_';
    none_is_unknown(&papers(), |paper| {
        let named = paper.words("OTEL_", part).filter(|(_, name)| *name != NOT_READ);
        let unknown = named.filter(|(_, name)| !OF_TELEMETRY.contains(name));
        unknown.map(|(line, name)| (line, name.to_owned())).collect()
    });
}

#[test]
fn every_key_in_backticks_is_a_key() {
    let (keys, papers) = (keys(), papers());
    let named = |paper: &Paper| -> Vec<(usize, Vec<String>)> {
        let keys = paper.quoted().filter_map(|(line, text)| Some((line, key(text)?)));
        keys.collect()
    };
    assert!(papers.iter().map(|paper| named(paper).len()).sum::<usize>() > 30, "papers name keys");
    none_is_unknown(&papers, |paper| {
        let unknown = named(paper)
            .into_iter()
            .filter(|(_, path)| *path != KEY_PATTERN)
            .filter(|(_, path)| !is_key(&keys, &path.iter().map(String::as_str).collect::<Vec<_>>()));
        unknown.map(|(line, path)| (line, path.join("."))).collect()
    });
}

/// Of `[section] key`, `[section.sub] key = value` or `[section]`.
pub(super) fn key(text: &str) -> Option<Vec<String>> {
    let (section, rest) = text.trim_start_matches('[').split_once(']')?;
    if !text.starts_with('[') || !section.split('.').all(is_name) {
        return None;
    }
    let key = rest.trim_start_matches(']').trim();
    let key = key.split([' ', '=', ',']).next().filter(|key| is_name(key));
    Some(section.split('.').chain(key).map(str::to_owned).collect())
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
}

#[test]
fn every_metric_is_exposed() {
    let (metrics, roles) = (metrics(), database_roles());
    assert!(metrics.len() > 40 && roles.len() > 2, "{metrics:?} {roles:?}");
    let known = |name: &str| {
        let base = OF_HISTOGRAMS.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        metrics.contains(name) || metrics.contains(base) || roles.contains(name) || name == UNDER_TEST
    };
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    none_is_unknown(&papers(), |paper| {
        // A name that ends in `_` stands for a family, as in `token_broker_key_rotation_*`.
        let family =
            |name: &str| name.ends_with('_') && metrics.iter().any(|metric| metric.starts_with(name));
        let unknown = paper.words("token_broker_", part).filter(|(_, name)| !known(name) && !family(name));
        unknown.map(|(line, name)| (line, name.to_owned())).collect()
    });
}

#[test]
fn every_role_can_be_served() {
    let roles = roles();
    assert_eq!(roles.len(), 3, "{roles:?}");
    none_is_unknown(&papers(), |paper| {
        let mut unknown = Vec::new();
        for (number, line) in paper.text.lines().enumerate() {
            for (at, flag) in line.match_indices("--role") {
                let rest = &line[at + flag.len()..];
                if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    continue;
                }
                let value = rest.trim_start_matches([' ', '=', '"', ',', '\'']);
                let value: String = value.chars().take_while(char::is_ascii_alphabetic).collect();
                // `--role ROLE` and `--role X|Y` are no values; a sentence may go on after the flag.
                let is_flag_alone = value.is_empty() || value.chars().any(|c| c.is_ascii_uppercase());
                if !is_flag_alone && !roles.contains(&value) {
                    unknown.push((number + 1, format!("--role {value}")));
                }
            }
        }
        unknown
    });
}
