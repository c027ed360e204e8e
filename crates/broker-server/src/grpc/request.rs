//! Reading the fields of requests: every violation is collected before anything is answered.

use std::time::Duration;

use broker_core::{
    AccountLabel, BrokerError, FieldViolation, GrantKey, InvalidName, ProviderName, RequestId, TenantId,
    UserId,
};
use broker_proto::v1;
use prost_types::Duration as ProtoDuration;

const MAX_SCOPES: usize = 64;
const DEFAULT_PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 1000;

/// Collects violations while fields are read.
#[derive(Default)]
pub(super) struct Fields {
    prefix: &'static str,
    violations: Vec<FieldViolation>,
}

impl Fields {
    /// For fields below `prefix`, written with its dot.
    pub(super) fn below(prefix: &'static str) -> Self {
        Self { prefix, violations: Vec::new() }
    }

    pub(super) fn violation(&mut self, field: &str, problem: impl Into<String>) {
        self.violations.push(FieldViolation::new(format!("{}{field}", self.prefix), problem));
    }

    /// A typed name; `None` after a violation.
    pub(super) fn name<T>(
        &mut self,
        field: &str,
        text: &str,
        new: impl Fn(String) -> Result<T, InvalidName>,
    ) -> Option<T> {
        let problem = match new(text.to_owned()) {
            Ok(name) => return Some(name),
            Err(_) if text.is_empty() => "must be set".to_owned(),
            Err(problem) => problem.to_string(),
        };
        self.violation(field, problem);
        None
    }

    /// A typed name that may be left out.
    pub(super) fn optional_name<T>(
        &mut self,
        field: &str,
        text: &str,
        new: impl Fn(String) -> Result<T, InvalidName>,
    ) -> Option<T> {
        if text.is_empty() { None } else { self.name(field, text, new) }
    }

    pub(super) fn tenant(&mut self, text: &str) -> Option<TenantId> {
        self.name("tenant_id", text, TenantId::new)
    }

    pub(super) fn provider(&mut self, text: &str) -> Option<ProviderName> {
        self.name("provider", text, ProviderName::new)
    }

    pub(super) fn key(
        &mut self,
        tenant: &str,
        provider: &str,
        user: &str,
        account: &str,
    ) -> Option<GrantKey> {
        let (tenant, provider) = (self.tenant(tenant), self.provider(provider));
        let user = self.name("user_id", user, UserId::new);
        let account = match account {
            "" => Some(AccountLabel::default_label()),
            label => self.name("account", label, AccountLabel::new),
        };
        Some(GrantKey { tenant: tenant?, provider: provider?, user: user?, account: account? })
    }

    /// A duration that is not negative and not longer than `longest`; `default` where it is absent.
    pub(super) fn duration(
        &mut self,
        field: &str,
        value: Option<ProtoDuration>,
        default: Duration,
        longest: Duration,
    ) -> Option<Duration> {
        let Some(value) = value else { return Some(default) };
        // Not the library's own conversion: it overflows on some of what a stranger may send.
        let parts = u64::try_from(value.seconds).ok().zip(u32::try_from(value.nanos).ok());
        match parts.filter(|(_, nanos)| *nanos < 1_000_000_000).map(|(s, nanos)| Duration::new(s, nanos)) {
            Some(span) if span <= longest => return Some(span),
            Some(_) => self.violation(field, format!("must not be longer than {} s", longest.as_secs())),
            None => self.violation(field, "must be a valid duration and not negative"),
        }
        None
    }

    /// The id of a create that may be repeated, if it has one.
    pub(super) fn request_id(&mut self, text: &str) -> Option<RequestId> {
        let id = RequestId::parse(text);
        if id.is_none() && !text.is_empty() {
            self.violation("request_id", "must be a UUID, or empty");
        }
        id
    }

    /// At most so many bytes of text.
    pub(super) fn at_most(&mut self, field: &str, text: &str, bytes: usize) {
        if text.len() > bytes {
            self.violation(field, format!("must not be longer than {bytes} bytes"));
        }
    }

    /// Not more scopes than any grant has. Whether each is a scope token is the middle's to say.
    pub(super) fn scopes(&mut self, field: &str, scopes: &[String]) {
        if scopes.len() > MAX_SCOPES {
            self.violation(field, format!("must be at most {MAX_SCOPES}, but are {}", scopes.len()));
        }
    }

    /// How many a page of a list holds.
    pub(super) fn page_size(&mut self, size: i32) -> u32 {
        match u32::try_from(size) {
            Ok(0) => DEFAULT_PAGE,
            Ok(size) => size.min(LONGEST_PAGE),
            Err(_) => {
                self.violation("page_size", "must not be negative");
                DEFAULT_PAGE
            }
        }
    }

    /// The value read, or every violation found.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, BrokerError> {
        match value {
            Some(value) if self.violations.is_empty() => Ok(value),
            _ => Err(BrokerError::InvalidRequest(self.violations)),
        }
    }
}

/// The `key` of a request.
pub(super) fn grant_key(key: Option<v1::GrantKey>) -> Result<GrantKey, BrokerError> {
    let mut fields = Fields::below("key.");
    let key = key.unwrap_or_default();
    let read = fields.key(&key.tenant_id, &key.provider, &key.user_id, &key.account);
    fields.finish(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(result: Result<GrantKey, BrokerError>) -> Vec<String> {
        match result {
            Err(BrokerError::InvalidRequest(violations)) => violations.into_iter().map(|v| v.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let key = v1::GrantKey { tenant_id: "UPPER".into(), account: "a\n".into(), ..Default::default() };
        let fields = violations(grant_key(Some(key)));
        assert_eq!(fields, ["key.tenant_id", "key.provider", "key.user_id", "key.account"]);
        assert_eq!(violations(grant_key(None)), ["key.tenant_id", "key.provider", "key.user_id"]);
    }

    #[test]
    fn a_page_has_the_size_of_the_contract() {
        for (asked, size) in [(0, 50), (1, 1), (1000, 1000), (1001, 1000)] {
            assert_eq!(Fields::default().page_size(asked), size);
        }
        let mut fields = Fields::default();
        fields.page_size(-1);
        assert!(fields.finish(Some(())).is_err());
    }

    #[test]
    fn scopes_are_counted() {
        let read = |count| {
            let mut fields = Fields::default();
            fields.scopes("scopes", &vec!["a".to_owned(); count]);
            fields.finish(Some(()))
        };
        assert!(read(64).is_ok() && read(65).is_err());
    }

    #[test]
    fn durations_are_bounded_on_both_sides() {
        let read = |seconds, nanos| {
            let mut fields = Fields::default();
            let value = Some(ProtoDuration { seconds, nanos });
            let read = fields.duration("min_validity", value, Duration::ZERO, Duration::from_secs(60));
            fields.finish(read)
        };
        assert_eq!(read(60, 0).unwrap(), Duration::from_secs(60));
        for (seconds, nanos) in
            [(60, 1), (-1, 0), (0, -1), (0, 1_000_000_000), (i64::MAX, i32::MAX), (i64::MIN, i32::MIN)]
        {
            assert!(read(seconds, nanos).is_err(), "{seconds} {nanos}");
        }
    }
}
