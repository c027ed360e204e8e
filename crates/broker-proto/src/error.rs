//! Reads what a `Status` of the broker says.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::reason;
use crate::v1::Reason;

/// An error of the broker, or of the way to it.
#[derive(Clone, Debug)]
pub struct BrokerError {
    code: Code,
    message: String,
    reason: Option<String>,
    metadata: HashMap<String, String>,
    retry_delay: Option<Duration>,
    field_violations: Vec<FieldViolation>,
    help_links: Vec<HelpLink>,
}

/// A field of the request that is wrong (`google.rpc.BadRequest`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field: `key.tenant_id`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

/// Where something can be done about the error (`google.rpc.Help`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelpLink {
    /// What is to be found there, for people.
    pub description: String,
    /// Where it is.
    pub url: String,
}

impl BrokerError {
    /// Reads a status. Details that do not decode, or are of another domain, are left out.
    #[must_use]
    pub fn from_status(status: &Status) -> Self {
        let info = status.get_details_error_info().filter(|info| info.domain == reason::DOMAIN);
        let (reason, metadata) = info.map(|info| (info.reason, info.metadata)).unzip();
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            reason,
            metadata: metadata.unwrap_or_default(),
            retry_delay: status.get_details_retry_info().and_then(|info| info.retry_delay),
            field_violations: field_violations(status),
            help_links: help_links(status),
        }
    }

    /// The gRPC code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why, for programs. `None` when the answer is not the broker's, or names a reason that this version does not know.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.reason.as_deref().and_then(reason::parse)
    }

    /// The reason as sent, known or not.
    #[must_use]
    pub fn reason_name(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// A fact that goes with the reason: `cause` of CONSENT_REQUIRED, `missing` of MISSING_SCOPES.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// How long to wait before trying again, where trying again helps.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.retry_delay
    }

    /// The fields that are wrong, for INVALID_REQUEST.
    #[must_use]
    pub fn field_violations(&self) -> &[FieldViolation] {
        &self.field_violations
    }

    /// Where something can be done about it: for CONSENT_REQUIRED and GRANT_EXPIRED where the user consents again, if
    /// the broker's operator has said so.
    #[must_use]
    pub fn help_links(&self) -> &[HelpLink] {
        &self.help_links
    }
}

impl From<&Status> for BrokerError {
    fn from(status: &Status) -> Self {
        Self::from_status(status)
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{} ({reason})", self.message),
            None => write!(f, "{} ({:?})", self.message, self.code),
        }
    }
}

impl std::error::Error for BrokerError {}

fn field_violations(status: &Status) -> Vec<FieldViolation> {
    let violations = status.get_details_bad_request().map(|request| request.field_violations);
    let violation = |violation: tonic_types::FieldViolation| FieldViolation {
        field: violation.field,
        description: violation.description,
    };
    violations.into_iter().flatten().map(violation).collect()
}

fn help_links(status: &Status) -> Vec<HelpLink> {
    let links = status.get_details_help().map(|help| help.links);
    let link = |link: tonic_types::HelpLink| HelpLink { description: link.description, url: link.url };
    links.into_iter().flatten().map(link).collect()
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn reads_reason_metadata_delay_and_fields() {
        let mut details = ErrorDetails::new();
        details
            .set_error_info("CONSENT_REQUIRED", "tokenbroker", [("cause".to_owned(), "REVOKED".to_owned())])
            .set_retry_info(Some(Duration::from_secs(3)))
            .add_bad_request_violation("key.tenant_id", "is empty")
            .add_help_link("consent here", "https://app.example/connect");
        let status = Status::with_error_details(Code::FailedPrecondition, "consent again", details);

        let error = BrokerError::from_status(&status);

        assert_eq!(error.code(), Code::FailedPrecondition);
        assert_eq!(error.reason(), Some(Reason::ConsentRequired));
        assert_eq!(error.metadata("cause"), Some("REVOKED"));
        assert_eq!(error.retry_delay(), Some(Duration::from_secs(3)));
        assert_eq!(error.field_violations()[0].field, "key.tenant_id");
        let (description, url) = ("consent here".to_owned(), "https://app.example/connect".to_owned());
        assert_eq!(error.help_links(), [HelpLink { description, url }]);
        assert_eq!(error.to_string(), "consent again (CONSENT_REQUIRED)");
    }

    #[test]
    fn a_newer_reason_is_kept_as_text() {
        let details = ErrorDetails::with_error_info("FROM_THE_FUTURE", "tokenbroker", []);
        let error = BrokerError::from_status(&Status::with_error_details(Code::Aborted, "", details));
        assert_eq!((error.reason(), error.reason_name()), (None, Some("FROM_THE_FUTURE")));
    }

    #[test]
    fn an_answer_that_is_not_the_brokers_has_no_reason() {
        let details = ErrorDetails::with_error_info("GRANT_NOT_FOUND", "elsewhere.example", []);
        let foreign = Status::with_error_details(Code::NotFound, "", details);
        for status in [foreign, Status::unavailable("connection refused")] {
            assert_eq!(BrokerError::from_status(&status).reason(), None);
        }
    }
}
