//! Reading columns as the domain's types, and binding the domain's types to statements.

use std::time::Duration;

use broker_core::ports::{RegistrationKey, StoreError};
use broker_core::{Generation, GrantKey, InvalidName, RowVersion, Timestamp};
use broker_crypto::Sealed;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Decode, Row, Sqlite, Type};

/// A statement with its arguments.
pub(crate) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// A row, read column by column. A value that does not fit makes the row inconsistent, by the column's name.
pub(crate) trait Columns {
    fn get_as<T: for<'r> Decode<'r, Sqlite> + Type<Sqlite>>(
        &self,
        column: &'static str,
    ) -> Result<T, StoreError>;

    fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get_as(column)
    }

    fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get_as(column)
    }

    fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        self.get_as::<i64>(column).map(|number| number != 0)
    }

    fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.get_as::<i64>(column)?).map_err(|_| StoreError::Inconsistent(column))
    }

    fn optional_number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let number = self.get_as::<Option<i64>>(column)?;
        number.map(T::try_from).transpose().map_err(|_| StoreError::Inconsistent(column))
    }

    fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.get_as(column).map(Timestamp::from_unix_micros)
    }

    fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get_as::<Option<i64>>(column)?.map(Timestamp::from_unix_micros))
    }

    fn optional_span(&self, column: &'static str) -> Result<Option<Duration>, StoreError> {
        Ok(self.optional_number::<u64>(column)?.map(Duration::from_micros))
    }

    fn generation(&self, column: &'static str) -> Result<Generation, StoreError> {
        self.number(column).map(Generation::new)
    }

    fn version(&self, column: &'static str) -> Result<RowVersion, StoreError> {
        self.number(column).map(RowVersion::new)
    }

    fn id<T>(&self, column: &'static str, from: fn([u8; 16]) -> T) -> Result<T, StoreError> {
        let bytes: Vec<u8> = self.get_as(column)?;
        bytes.try_into().map(from).map_err(|_| StoreError::Inconsistent(column))
    }

    fn optional_id<T>(&self, column: &'static str, from: fn([u8; 16]) -> T) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.get_as::<Option<Vec<u8>>>(column)? else { return Ok(None) };
        bytes.try_into().map(|bytes| Some(from(bytes))).map_err(|_| StoreError::Inconsistent(column))
    }

    fn optional_code(&self, column: &'static str) -> Result<Option<[u8; 32]>, StoreError> {
        let Some(bytes) = self.get_as::<Option<Vec<u8>>>(column)? else { return Ok(None) };
        bytes.try_into().map(Some).map_err(|_| StoreError::Inconsistent(column))
    }

    fn name<T>(
        &self,
        column: &'static str,
        check: fn(String) -> Result<T, InvalidName>,
    ) -> Result<T, StoreError> {
        check(self.text(column)?).map_err(|_| StoreError::Inconsistent(column))
    }

    fn word<T>(&self, column: &'static str, from: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        from(&self.text(column)?).ok_or(StoreError::Inconsistent(column))
    }

    fn sealed<T>(&self, column: &'static str) -> Result<Sealed<T>, StoreError> {
        self.get_as(column).map(Sealed::from_bytes)
    }

    fn optional_sealed<T>(&self, column: &'static str) -> Result<Option<Sealed<T>>, StoreError> {
        Ok(self.get_as::<Option<Vec<u8>>>(column)?.map(Sealed::from_bytes))
    }

    fn scopes(&self, column: &'static str) -> Result<Vec<String>, StoreError> {
        Ok(self.text(column)?.split_ascii_whitespace().map(str::to_owned).collect())
    }

    fn key(&self) -> Result<GrantKey, StoreError> {
        Ok(GrantKey {
            tenant: self.name("tenant", broker_core::TenantId::new)?,
            provider: self.name("provider", broker_core::ProviderName::new)?,
            user: self.name("user_id", broker_core::UserId::new)?,
            account: self.name("account", broker_core::AccountLabel::new)?,
        })
    }
}

impl Columns for SqliteRow {
    fn get_as<T: for<'r> Decode<'r, Sqlite> + Type<Sqlite>>(
        &self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        self.try_get(column).map_err(|_| StoreError::Inconsistent(column))
    }
}

/// A span as it is kept: in microseconds.
pub(crate) fn kept_span(span: Duration) -> i64 {
    span.as_micros().try_into().unwrap_or(i64::MAX)
}

/// Binding of domain types, in the order of a statement's parameters.
pub(crate) trait BindDomain: Sized {
    /// Four parameters: tenant, provider, user, account.
    fn bind_key(self, key: &GrantKey) -> Self;
    fn bind_time(self, at: Timestamp) -> Self;
    fn bind_optional_time(self, at: Option<Timestamp>) -> Self;
    fn bind_generation(self, generation: Generation) -> Self;
    fn bind_scopes(self, scopes: &[String]) -> Self;
    fn bind_version(self, version: RowVersion) -> Self;
    /// Three parameters: tenant, provider, name.
    fn bind_registration(self, key: &RegistrationKey) -> Self;
}

impl BindDomain for Statement<'_> {
    fn bind_key(self, key: &GrantKey) -> Self {
        self.bind(key.tenant.as_str())
            .bind(key.provider.as_str())
            .bind(key.user.as_str())
            .bind(key.account.as_str())
    }

    fn bind_time(self, at: Timestamp) -> Self {
        self.bind(at.as_unix_micros())
    }

    fn bind_optional_time(self, at: Option<Timestamp>) -> Self {
        self.bind(at.map(Timestamp::as_unix_micros))
    }

    fn bind_generation(self, generation: Generation) -> Self {
        // One adoption a microsecond would take 292,000 years to get past i64.
        self.bind(generation.get().cast_signed())
    }

    fn bind_scopes(self, scopes: &[String]) -> Self {
        self.bind(scopes.join(" "))
    }

    fn bind_version(self, version: RowVersion) -> Self {
        // It begins with microseconds of the present age and grows by one.
        self.bind(version.get().cast_signed())
    }

    fn bind_registration(self, key: &RegistrationKey) -> Self {
        self.bind(key.tenant.as_str().to_owned())
            .bind(key.provider.as_str().to_owned())
            .bind(key.id.as_str().to_owned())
    }
}
