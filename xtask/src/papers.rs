//! What documents say of the code: names of tests, versions of crates, the oldest compiler.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The cells of each row of a page's tables.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|-"));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
}

#[test]
fn every_test_of_the_threat_model_exists() {
    let known = tests();
    let page = read("docs/threat-model.md");
    let named = rows(&page).filter_map(|row| row.get(3).copied().map(str::to_owned));
    let named: Vec<_> = named.flat_map(|cell| in_backticks(&cell)).collect();
    assert!(named.len() > 40, "the table is read: {}", named.len());
    for name in named {
        assert!(known.contains(&name), "there is no test {name}");
    }
}

#[test]
fn every_threat_has_a_test() {
    let page = read("docs/threat-model.md");
    let threats: Vec<_> = rows(&page).skip(1).collect();
    assert!(threats.len() > 20, "the table is read: {}", threats.len());
    for threat in threats {
        assert!(threat.len() == 4 && threat[3].starts_with('`'), "{threat:?} names no test");
    }
}

fn in_backticks(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Names of all functions that are tests.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["crates", "tests", "xtask"] {
        each_source(&root().join(folder), &mut |text| names.extend(tests_in(text)));
    }
    assert!(names.len() > 1000, "the sources are read: {}", names.len());
    names
}

fn each_source(folder: &Path, look: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_source(&path, look);
        } else if path.extension().is_some_and(|name| name == "rs") {
            look(&fs::read_to_string(path).unwrap());
        }
    }
}

/// A test begins with an attribute that ends in `test`, and more attributes may follow.
fn tests_in(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
            names.extend(rest.split('(').next().map(str::to_owned));
            is_test = false;
        }
    }
    names
}

#[test]
fn contributors_are_told_of_every_tool_that_is_installed() {
    let installer = read(".ci/install-tools");
    let (_, all) = installer.split_once("if (($# == 0)); then set -- ").unwrap();
    let all: Vec<_> = all.split(';').next().unwrap().split(' ').collect();
    assert!(all.len() > 3, "the installer is read: {all:?}");
    let page = read("CONTRIBUTING.md");
    let (_, commands) = page.split_once(".ci/install-tools ").unwrap();
    let told = commands.split("\ncargo ").next().unwrap();
    for tool in all {
        assert!(told.contains(tool), "CONTRIBUTING.md does not say that .ci/install-tools brings {tool}");
    }
}

#[test]
fn crates_that_security_rests_on_were_looked_at_in_the_version_that_is_used() {
    let lock = read("Cargo.lock");
    let page = read("docs/dependencies.md");
    let noted: Vec<_> = rows(&page).skip(1).collect();
    assert!(noted.len() > 15, "the table is read: {}", noted.len());
    for row in noted {
        let [name, version, ..] = row[..] else { panic!("{row:?} is too short") };
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(
            lock.contains(&locked),
            "{name} {version} is not in Cargo.lock: look at the new one, and note it"
        );
    }
}

#[test]
fn every_check_runs_with_the_oldest_compiler_that_is_promised() {
    let (manifest, toolchain) = (read("Cargo.toml"), read("rust-toolchain.toml"));
    let promised = manifest.split_once("rust-version = \"").unwrap().1.split('"').next().unwrap();
    assert!(toolchain.contains(&format!("channel = \"{promised}")), "{promised} is not in {toolchain}");
}
