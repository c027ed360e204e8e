//! Pieces of configuration in papers, and tables of keys.

use super::known::{is_key, keys, keys_in};
use super::names::{is_name, key, none_is_unknown};
use super::papers::{Paper, papers};

/// Its tables without a section name keys of any.
const OF_MANY_SECTIONS: &str = "docs/operations.md";

/// Every piece of configuration, with the line before it: a whole file, or what stands fenced in a page.
fn pieces(paper: &Paper) -> Vec<(usize, String)> {
    if paper.path.ends_with(".toml") {
        return vec![(0, paper.text.clone())];
    }
    let mut pieces = Vec::new();
    let mut piece: Option<(usize, String)> = None;
    for (number, line) in paper.text.lines().enumerate() {
        match &mut piece {
            None if line.trim() == "```toml" => piece = Some((number + 1, String::new())),
            Some(_) if line.trim() == "```" => pieces.extend(piece.take()),
            Some((_, text)) => *text += &format!("{line}\n"),
            None => {}
        }
    }
    assert_eq!(piece, None, "{}: a fence is not closed", paper.path);
    pieces
}

#[test]
fn every_key_of_every_piece_of_configuration_is_a_key() {
    let (keys, papers) = (keys(), papers());
    assert!(papers.iter().map(|paper| pieces(paper).len()).sum::<usize>() > 10, "papers have configuration");
    none_is_unknown(&papers, |paper| {
        let unknown = |(line, text): (usize, String)| match keys_in(&text) {
            Ok(named) => named.difference(&keys).map(|key| (line, key.clone())).collect(),
            Err(error) => vec![(line, error.to_string())],
        };
        pieces(paper).into_iter().flat_map(unknown).collect()
    });
}

/// A key in the first column of a table.
struct Row {
    line: usize,
    /// What the table's head says: `[section]` key.
    section: Option<Vec<String>>,
    key: String,
}

fn rows(paper: &Paper) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut section = None;
    let mut before = "";
    for (number, line) in paper.text.lines().enumerate() {
        if let (Some(head), false) = (line.strip_prefix('|'), before.starts_with('|')) {
            section = head.split('`').nth(1).filter(|_| head.contains("` key |")).and_then(key);
        } else if let Some(first) = line.strip_prefix('|').and_then(|row| row.split('|').next()) {
            let quoted = first.split('`').skip(1).step_by(2).filter(|text| is_name(text));
            rows.extend(quoted.map(|key| Row {
                line: number + 1,
                section: section.clone(),
                key: key.to_owned(),
            }));
        }
        before = line;
    }
    rows
}

#[test]
fn every_key_in_a_table_of_keys_is_a_key() {
    let (keys, papers) = (keys(), papers());
    let of_sections = papers.iter().flat_map(rows).filter(|row| row.section.is_some()).count();
    assert!(of_sections > 20, "there are tables of keys: {of_sections}");
    none_is_unknown(&papers, |paper| {
        let is_known = |row: &Row| match &row.section {
            Some(section) => {
                let path: Vec<_> = section.iter().chain([&row.key]).map(String::as_str).collect();
                is_key(&keys, &path)
            }
            None if paper.path == OF_MANY_SECTIONS => {
                keys.iter().any(|key| key.rsplit('.').next() == Some(&row.key))
            }
            None => true,
        };
        let unknown = rows(paper).into_iter().filter(|row| !is_known(row));
        unknown.map(|row| (row.line, format!("{:?} {}", row.section, row.key))).collect()
    });
}
