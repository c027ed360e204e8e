//! `ErrorInfo.reason` as strings.

use crate::v1::Reason;

/// `ErrorInfo.domain` of every error of the broker.
pub const DOMAIN: &str = "tokenbroker";

const PREFIX: &str = "REASON_";

/// The string that `ErrorInfo.reason` carries: `GRANT_NOT_FOUND`.
#[must_use]
pub fn name(reason: Reason) -> &'static str {
    let value = reason.as_str_name();
    value.strip_prefix(PREFIX).unwrap_or(value)
}

/// The reason that `ErrorInfo.reason` names; `None` for one that this version does not know.
#[must_use]
pub fn parse(name: &str) -> Option<Reason> {
    Reason::from_str_name(&format!("{PREFIX}{name}")).filter(|reason| *reason != Reason::Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_prefix_and_parses_back() {
        for number in 1..=22 {
            let Ok(reason) = Reason::try_from(number) else { continue };
            assert!(!name(reason).starts_with(PREFIX));
            assert_eq!(parse(name(reason)), Some(reason));
        }
        assert_eq!(name(Reason::GrantNotFound), "GRANT_NOT_FOUND");
    }

    #[test]
    fn what_is_no_reason_does_not_parse() {
        for text in ["", "UNSPECIFIED", "REASON_GRANT_NOT_FOUND", "grant_not_found"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
