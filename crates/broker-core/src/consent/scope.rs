//! Scope tokens (RFC 6749 §3.3).

use crate::FieldViolation;

/// Checks that each scope is a `scope-token`; `field` is for the error.
pub(crate) fn check_scopes(scopes: &[String], field: &str) -> Result<(), FieldViolation> {
    match scopes.iter().position(|scope| !is_scope_token(scope)) {
        None => Ok(()),
        Some(at) => Err(FieldViolation::new(
            format!("{field}[{at}]"),
            "must be one scope of printable ASCII without spaces, quotes or backslashes (RFC 6749 section 3.3)",
        )),
    }
}

fn is_scope_token(scope: &str) -> bool {
    (1..=256).contains(&scope.len()) && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scope_tokens_pass() {
        let check = |scope: &str| check_scopes(&["ok".into(), scope.into()], "scopes");
        for good in ["vms.all", "cameras:read", "https://example.com/auth", "!"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "two words", "quo\"te", "back\\slash", "ümlaut", "new\nline"] {
            assert_eq!(check(bad).unwrap_err().field, "scopes[1]", "{bad}");
        }
    }
}
