//! Whom a policy is for.

use std::fmt;

use crate::{InvalidName, Principal};

/// One caller by its exact name; or every caller whose name begins so, written with a `*` at the end: alone, or right
/// after a `/` or `:`, so that `spiffe://acme.example/ns/prod/*` never means `…/ns/production`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalPattern(String);

impl PrincipalPattern {
    /// Checks and takes the pattern.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        if Principal::new(&text).is_none() {
            return Err(InvalidName("must be 1 to 512 bytes without control characters"));
        }
        let fixed = text.strip_suffix('*').unwrap_or(&text);
        let starred = fixed.len() < text.len();
        if fixed.contains('*') || starred && !(fixed.is_empty() || fixed.ends_with(['/', ':'])) {
            return Err(InvalidName("may carry a `*` only at its end, right after `/` or `:`, or alone"));
        }
        Ok(Self(text))
    }

    /// Every caller.
    pub fn everybody() -> Self {
        Self("*".to_owned())
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the name of every caller meant begins with. `None`: one caller is meant.
    pub(super) fn prefix(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }

    /// Whether this caller is meant.
    pub fn matches(&self, name: &str) -> bool {
        self.prefix().map_or(self.0 == name, |prefix| name.starts_with(prefix))
    }
}

impl fmt::Display for PrincipalPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_at_a_boundary_or_nowhere() {
        for good in ["*", "spiffe://acme.example/*", "jwt:*", "jwt:ci", "a", "/*", "https://idp.example/:*"] {
            assert_eq!(PrincipalPattern::new(good).unwrap().as_str(), good);
        }
        let long = format!("{}*", "p/".repeat(256));
        for bad in ["", "spiffe://acme*", "a*", "*/a", "a/*/b", "**", "a/**", "a\nb", long.as_str()] {
            assert!(PrincipalPattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pattern_means_what_begins_so_and_a_name_itself_alone() {
        for (pattern, name, means) in [
            ("*", "anybody", true),
            ("jwt:ci", "jwt:ci", true),
            ("jwt:ci", "jwt:ci2", false),
            ("jwt:ci", "jwt:c", false),
            ("jwt:*", "jwt:ci", true),
            ("jwt:*", "jwt", false),
            ("spiffe://acme/prod/*", "spiffe://acme/prod/sa/recorder", true),
            ("spiffe://acme/prod/*", "spiffe://acme/production/sa", false),
            ("spiffe://acme/prod/*", "spiffe://acme/prod", false),
        ] {
            assert_eq!(PrincipalPattern::new(pattern).unwrap().matches(name), means, "{pattern} {name}");
        }
    }
}
