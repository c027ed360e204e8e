//! The users that tests connect as, beside the superuser of the server.

use sqlx::{Connection, Executor, PgConnection};
use test_servers::TestDatabase;

/// Owns the schema.
pub(crate) const OWNER: &str = "broker_test_owner";
/// A member of every role of the broker.
pub(crate) const MEMBER: &str = "broker_test_member";
/// A member of `token_broker_api` alone.
pub(crate) const API: &str = "broker_test_api";
/// A member of no role.
pub(crate) const STRANGER: &str = "broker_test_stranger";

pub(crate) const SQL: &str = include_str!("logins.sql");

/// Makes the users, and the database at `url` the owner's.
pub(crate) async fn make(url: &str) {
    PgConnection::connect(url).await.unwrap().execute(SQL).await.unwrap();
}

pub(crate) fn url_of(database: &TestDatabase, user: &str) -> String {
    url_as(database.url(), user)
}

/// The same database as another user.
pub(crate) fn url_as(url: &str, user: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, host) = rest.split_once('@').unwrap_or(("", rest));
    format!("{scheme}://{user}:broker@{host}")
}
