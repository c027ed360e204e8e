//! `[store]`: where grants are kept.

use std::path::{Path, PathBuf};

use broker_sqlite::SqliteLocation;
use serde::Deserialize;

use super::writable;

/// `[store]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `sqlite:///path` or `sqlite::memory:`.
    pub url: String,
}

impl StoreConfig {
    /// What the URL names. The error quotes nothing of it: another store's URL would carry a password.
    pub fn location(&self) -> Result<SqliteLocation, &'static str> {
        if self.url == "sqlite::memory:" {
            return Ok(SqliteLocation::Memory);
        }
        let path = match self.url.strip_prefix("sqlite://") {
            Some(path) => path,
            None if self.url.is_empty() => {
                return Err("[store] url is not set; write \"sqlite:///path/to/broker.db\"");
            }
            None => return Err("[store] url must be sqlite:///path or sqlite::memory:"),
        };
        if path.contains(['?', '#']) {
            return Err("[store] url takes no parameters: leave `?` and `#` out");
        }
        if !path.starts_with('/') || path.ends_with('/') {
            return Err("[store] url must name a file by its absolute path: sqlite:///path/to/broker.db");
        }
        Ok(SqliteLocation::File(PathBuf::from(path)))
    }

    pub(super) fn problem(&self) -> Option<String> {
        match self.location() {
            Ok(SqliteLocation::Memory) => None,
            Ok(SqliteLocation::File(path)) => {
                let directory = path.parent().unwrap_or(Path::new("/"));
                let usable = writable::existing(directory).and_then(|()| writable::file(&path));
                usable.err().map(|problem| format!("[store] url: {problem}"))
            }
            Err(problem) => Some(problem.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_path_or_memory_and_nothing_else() {
        let location = |url: &str| StoreConfig { url: url.to_owned() }.location();
        assert_eq!(location("sqlite::memory:"), Ok(SqliteLocation::Memory));
        assert_eq!(location("sqlite:///a b/c.db"), Ok(SqliteLocation::File("/a b/c.db".into())));
        for bad in [
            "",
            "sqlite:",
            "sqlite://",
            "sqlite:broker.db",
            "sqlite://broker.db",
            "sqlite:///",
            "sqlite:///data/",
            "sqlite:///broker.db?mode=memory",
            "sqlite:///broker.db#1",
            "sqlite::memory:?cache=shared",
            "postgres://me:hunter2@db/x",
            "/var/lib/broker.db",
        ] {
            let problem = location(bad).unwrap_err();
            assert!(problem.starts_with("[store] url") && !problem.contains("hunter2"), "{bad}: {problem}");
        }
    }
}
