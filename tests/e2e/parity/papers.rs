//! What people read and what clusters are given: every text file that may name something of the binary.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository.
pub(super) struct Paper {
    /// Below the repository's root.
    pub(super) path: String,
    pub(super) text: String,
}

impl Paper {
    /// Every word that begins with `prefix`, with its line's number. A word goes on while `belongs` holds.
    pub(super) fn words(
        &self,
        prefix: &str,
        belongs: impl Fn(char) -> bool + Copy,
    ) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.flat_map(move |(number, line)| words(line, prefix, belongs).map(move |word| (number + 1, word)))
    }

    /// What stands in backticks on one line.
    pub(super) fn quoted(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |part| (number + 1, part)))
    }
}

fn words<'a>(
    line: &'a str,
    prefix: &str,
    belongs: impl Fn(char) -> bool + Copy,
) -> impl Iterator<Item = &'a str> {
    let starts: Vec<_> = line.match_indices(prefix).map(|(at, _)| at).collect();
    starts.into_iter().filter_map(move |at| {
        let inside = line[..at].chars().next_back().is_some_and(|before| belongs(before) || before == '/');
        let rest = &line[at..];
        let word = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        (!inside).then_some(word)
    })
}

/// The repository's root.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every paper: those beside the README, `docs` and `deploy`. Not the change log, which tells of what was.
pub(super) fn papers() -> Vec<Paper> {
    let root = root();
    let mut found = Vec::new();
    for entry in fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("CHANGELOG.md") {
            found.push(path);
        }
    }
    below(&root.join("docs"), &mut found);
    below(&root.join("deploy"), &mut found);
    found.sort();
    found.into_iter().filter_map(|path| paper(&root, &path)).collect()
}

fn below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => below(&path, found),
            false => found.push(path),
        }
    }
}

/// `None`: a picture.
fn paper(root: &Path, path: &Path) -> Option<Paper> {
    let text = String::from_utf8(fs::read(path).unwrap()).ok()?;
    Some(Paper { path: path.strip_prefix(root).unwrap().display().to_string(), text })
}

#[test]
fn a_word_is_taken_whole() {
    let line = "see `token_broker_x_total{a}`, mytoken_broker_y and path/token_broker_z token_broker_w.";
    let found: Vec<_> = words(line, "token_broker_", |c| c.is_ascii_alphanumeric() || c == '_').collect();
    assert_eq!(found, ["token_broker_x_total", "token_broker_w"]);
}
