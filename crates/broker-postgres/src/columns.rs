//! Columns as the domain's types, and the domain's types as columns.

use std::time::Duration;

use broker_core::ports::StoreError;
use broker_core::{
    AccountLabel, Generation, GrantKey, InvalidName, ProviderName, RowVersion, TenantId, Timestamp, UserId,
};
use uuid::Uuid;

/// A value that does not fit makes the row inconsistent, by the column's name.
pub(crate) fn number<T: TryFrom<N>, N>(value: N, column: &'static str) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Inconsistent(column))
}

/// An HMAC or a digest.
pub(crate) fn code(bytes: Vec<u8>, column: &'static str) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Inconsistent(column))
}

pub(crate) fn generation(value: i64, column: &'static str) -> Result<Generation, StoreError> {
    number(value, column).map(Generation::new)
}

pub(crate) fn version(value: i64, column: &'static str) -> Result<RowVersion, StoreError> {
    number(value, column).map(RowVersion::new)
}

/// A version as it is kept: it begins with microseconds of the present age and grows by one.
pub(crate) fn kept_version(version: RowVersion) -> i64 {
    version.get().cast_signed()
}

pub(crate) fn word<T>(
    value: &str,
    from: fn(&str) -> Option<T>,
    column: &'static str,
) -> Result<T, StoreError> {
    from(value).ok_or(StoreError::Inconsistent(column))
}

pub(crate) fn name<T>(
    value: String,
    check: fn(String) -> Result<T, InvalidName>,
    column: &'static str,
) -> Result<T, StoreError> {
    check(value).map_err(|_| StoreError::Inconsistent(column))
}

pub(crate) fn scopes(joined: &str) -> Vec<String> {
    joined.split_ascii_whitespace().map(str::to_owned).collect()
}

pub(crate) fn time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_unix_micros)
}

pub(crate) fn key([tenant, provider, user, account]: [String; 4]) -> Result<GrantKey, StoreError> {
    Ok(GrantKey {
        tenant: name(tenant, TenantId::new, "tenant")?,
        provider: name(provider, ProviderName::new, "provider")?,
        user: name(user, UserId::new, "user_id")?,
        account: name(account, AccountLabel::new, "account")?,
    })
}

/// Generations and presentation numbers as they are kept. One adoption a microsecond would take 292,000 years to get
/// past i64.
pub(crate) fn kept(generation: Generation) -> i64 {
    generation.get().cast_signed()
}

pub(crate) fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_unix_micros)
}

/// A span as it is kept: in microseconds.
pub(crate) fn life(span: Option<Duration>) -> Option<i64> {
    span.map(|span| span.as_micros().try_into().unwrap_or(i64::MAX))
}

/// A span that was kept.
pub(crate) fn span(micros: i64) -> Result<Duration, StoreError> {
    number(micros, "a span").map(Duration::from_micros)
}

pub(crate) fn uuid(bytes: &[u8; 16]) -> Uuid {
    Uuid::from_bytes(*bytes)
}

/// Text that somebody else chose. Postgres keeps no NUL in a text, and an answer must not be lost for one.
pub(crate) fn foreign_text(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_in_foreign_text_is_left_out() {
        assert_eq!(foreign_text("Bea\0rer"), "Bearer");
    }
}
