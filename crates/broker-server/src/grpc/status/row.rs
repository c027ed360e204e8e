//! One row of the error table, and the status it makes.

use std::collections::HashMap;
use std::time::Duration;

use broker_core::FieldViolation;
use broker_proto::reason::{DOMAIN, name};
use broker_proto::v1::Reason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// One row of the error table.
pub(super) struct Row {
    code: Code,
    reason: Reason,
    /// What happened and what to do next.
    message: String,
    metadata: HashMap<String, String>,
    retry: Option<Duration>,
    violations: Vec<FieldViolation>,
    /// Where the user consents again.
    reconsent: Option<String>,
}

impl Row {
    /// What went wrong, as the contract names it.
    pub(super) fn reason(&self) -> Reason {
        self.reason
    }

    pub(super) fn new(code: Code, reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        let (metadata, violations) = (HashMap::new(), Vec::new());
        Self { code, reason, message, metadata, retry: None, violations, reconsent: None }
    }

    pub(super) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn violated(self, violations: &[FieldViolation]) -> Self {
        Self { violations: violations.to_vec(), ..self }
    }

    pub(super) fn reconsent_at(self, url: Option<String>) -> Self {
        Self { reconsent: url, ..self }
    }

    pub(super) fn retry_after(self, delay: Duration) -> Self {
        Self { retry: Some(delay), ..self }
    }
}

pub(super) fn encode(row: Row) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(name(row.reason), DOMAIN, row.metadata);
    if let Some(delay) = row.retry {
        details.set_retry_info(Some(delay));
    }
    for violation in row.violations {
        details.add_bad_request_violation(violation.field, violation.problem);
    }
    if let Some(url) = row.reconsent {
        details.add_help_link("here the user consents again", url);
    }
    Status::with_error_details(row.code, row.message, details)
}
