//! `[store]`: where grants are kept.

use std::path::{Path, PathBuf};

use broker_core::InstallationId;
use broker_postgres::OpenOptions;
use broker_sqlite::SqliteLocation;
use serde::Deserialize;

use super::{SecretText, writable};

/// `[store]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `postgres://…`, `sqlite:///path` or `sqlite::memory:`.
    pub url: Option<SecretText>,
    /// A file that holds the URL.
    pub url_file: Option<PathBuf>,
    /// The installation the store must be (rule 16 of docs/rotation.md).
    pub installation_id: Option<String>,
    /// Connections to Postgres for reads of callers.
    pub vending_connections: u32,
    /// Connections to Postgres for claims and SENT.
    pub rotation_connections: u32,
    /// Connections to Postgres for adoptions and heartbeats.
    pub adoption_connections: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        let pools = OpenOptions::default();
        Self {
            url: None,
            url_file: None,
            installation_id: None,
            vending_connections: pools.vending_connections,
            rotation_connections: pools.rotation_connections,
            adoption_connections: pools.adoption_connections,
        }
    }
}

/// What a store's URL names.
#[derive(Debug)]
pub enum StoreLocation {
    /// The embedded store.
    Sqlite(SqliteLocation),
    /// A Postgres database, by its URL.
    Postgres(SecretText),
}

impl StoreConfig {
    /// A store in this SQLite file.
    pub fn sqlite(file: &Path) -> Self {
        Self { url: Some(SecretText::from(format!("sqlite://{}", file.display()))), ..Self::default() }
    }

    /// What the URL names. The error quotes nothing of it: it may carry a password.
    pub fn location(&self) -> Result<StoreLocation, String> {
        let url = SecretText::given("[store] url", self.url.as_ref(), self.url_file.as_deref())?.ok_or(
            "[store] url is not set; write \"postgres://user@host/database\" or \"sqlite:///path/to/broker.db\"",
        )?;
        match url.expose() {
            text if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                broker_postgres::check_url(text).map_err(|error| format!("[store] url: {error}"))?;
                Ok(StoreLocation::Postgres(url))
            }
            text => sqlite_location(text).map(StoreLocation::Sqlite).map_err(str::to_owned),
        }
    }

    /// The installation the store must be, if the configuration says.
    pub fn installation(&self) -> Result<Option<InstallationId>, String> {
        let Some(text) = &self.installation_id else { return Ok(None) };
        match InstallationId::parse(text) {
            Some(id) => Ok(Some(id)),
            None => {
                Err("[store] installation_id must be a UUID, as `token-broker store adopt` prints it"
                    .to_owned())
            }
        }
    }

    pub(crate) fn postgres_options(&self) -> OpenOptions {
        OpenOptions {
            vending_connections: self.vending_connections,
            rotation_connections: self.rotation_connections,
            adoption_connections: self.adoption_connections,
            ..OpenOptions::default()
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.installation().err().into_iter().collect();
        let pools = [
            ("vending_connections", self.vending_connections),
            ("rotation_connections", self.rotation_connections),
            ("adoption_connections", self.adoption_connections),
        ];
        for (key, _) in pools.into_iter().filter(|(_, size)| *size == 0) {
            problems.push(format!("[store] {key} must not be zero"));
        }
        problems.extend(self.location_problem());
        problems
    }

    fn location_problem(&self) -> Option<String> {
        match self.location() {
            Ok(StoreLocation::Postgres(_) | StoreLocation::Sqlite(SqliteLocation::Memory)) => None,
            Ok(StoreLocation::Sqlite(SqliteLocation::File(path))) => {
                let directory = path.parent().unwrap_or(Path::new("/"));
                let usable = writable::existing(directory).and_then(|()| writable::file(&path));
                usable.err().map(|problem| format!("[store] url: {problem}"))
            }
            Err(problem) => Some(problem),
        }
    }
}

fn sqlite_location(url: &str) -> Result<SqliteLocation, &'static str> {
    if url == "sqlite::memory:" {
        return Ok(SqliteLocation::Memory);
    }
    let Some(path) = url.strip_prefix("sqlite://") else {
        return Err("[store] url must be postgres://user@host/database, sqlite:///path or sqlite::memory:");
    };
    if path.contains(['?', '#']) {
        return Err("[store] url takes no parameters for SQLite: leave `?` and `#` out");
    }
    if !path.starts_with('/') || path.ends_with('/') {
        return Err("[store] url must name a file by its absolute path: sqlite:///path/to/broker.db");
    }
    Ok(SqliteLocation::File(PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(url: &str) -> Result<StoreLocation, String> {
        StoreConfig { url: Some(SecretText::from(url.to_owned())), ..StoreConfig::default() }.location()
    }

    #[test]
    fn a_file_by_its_absolute_path_memory_or_postgres() {
        let sqlite = |url| match location(url) {
            Ok(StoreLocation::Sqlite(location)) => location,
            other => panic!("{other:?}"),
        };
        assert_eq!(sqlite("sqlite::memory:"), SqliteLocation::Memory);
        assert_eq!(sqlite("sqlite:///a b/c.db"), SqliteLocation::File("/a b/c.db".into()));
        for url in ["postgres://me:hunter2@db:5432/x?sslmode=verify-full", "postgresql:///x"] {
            assert!(matches!(location(url), Ok(StoreLocation::Postgres(_))), "{url}");
        }
    }

    #[test]
    fn anything_else_is_refused_and_not_quoted() {
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
            "mysql://me:hunter2@db/x",
            "postgres://me:hunter2@db:port/x",
            "/var/lib/broker.db",
        ] {
            let problem = location(bad).unwrap_err();
            assert!(problem.starts_with("[store] url") && !problem.contains("hunter2"), "{bad}: {problem}");
        }
    }

    #[test]
    fn the_url_comes_from_one_place() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("url");
        std::fs::write(&file, "sqlite::memory:\n").unwrap();
        let from_file = StoreConfig { url_file: Some(file), ..StoreConfig::default() };
        assert!(matches!(from_file.location(), Ok(StoreLocation::Sqlite(SqliteLocation::Memory))));
        let both = StoreConfig { url: Some(SecretText::from("sqlite::memory:".to_owned())), ..from_file };
        assert!(both.location().unwrap_err().contains("either"));
    }
}
