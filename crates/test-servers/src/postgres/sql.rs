//! Statements about databases, which take no parameters.

use sqlx::{AssertSqlSafe, Executor as _, PgConnection};
use url::Url;

/// A name that needs no quoting: what is written here reaches the server as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// At most this long: Postgres cuts longer names without a word.
    const LONGEST: usize = 63;

    /// `None` unless it is made of lower-case letters, digits and `_`.
    pub(super) fn new(name: String) -> Option<Self> {
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        (plain && (1..=Self::LONGEST).contains(&name.len())).then_some(Self(name))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) async fn create(connection: &mut PgConnection, name: &Name) -> sqlx::Result<()> {
    run(connection, format!("CREATE DATABASE {}", name.0)).await
}

pub(super) async fn copy(connection: &mut PgConnection, from: &Name, to: &Name) -> sqlx::Result<()> {
    run(connection, format!("CREATE DATABASE {} TEMPLATE {}", to.0, from.0)).await
}

/// Ends the sessions of whoever is connected to it.
pub(super) async fn cut_off(connection: &mut PgConnection, name: &Name) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
        .bind(name.as_str())
        .execute(connection)
        .await
        .map(drop)
}

/// From now on nobody connects to it, so that it can be copied at any time.
pub(super) async fn close(connection: &mut PgConnection, name: &Name) -> sqlx::Result<()> {
    run(connection, format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", name.0)).await
}

/// Removes it, whoever is connected.
pub(super) async fn remove(connection: &mut PgConnection, name: &Name) -> sqlx::Result<()> {
    run(connection, format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", name.0)).await
}

/// The URL of another database on the same server.
pub(super) fn sibling(url: &str, name: &Name) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    url.set_path(&name.0);
    Some(url.into())
}

async fn run(connection: &mut PgConnection, statement: String) -> sqlx::Result<()> {
    connection.execute(AssertSqlSafe(statement)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<Name> {
        Name::new(text.to_owned())
    }

    #[test]
    fn only_plain_names_are_names() {
        assert!(name("template_0a1b").is_some());
        for odd in ["", "Upper", "a-b", "a;drop", "a b", &"x".repeat(64)] {
            assert_eq!(name(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_sibling_keeps_all_but_the_database() {
        let sibling = sibling("postgres://me:pw@host:5433/mine?sslmode=disable", &name("other").unwrap());
        assert_eq!(sibling.as_deref(), Some("postgres://me:pw@host:5433/other?sslmode=disable"));
    }
}
