//! Who calls: the name that authentication gives a caller.

use std::fmt;
use std::sync::Arc;

/// Longest name, in bytes: that of `AccessPolicy.principal` in the contract.
const LONGEST: usize = 512;

/// The name of a caller: a SPIFFE id, a JWT subject, or in mode `dev` what the caller says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// A caller of that name. `None`: it is empty, longer than 512 bytes, or carries control characters.
    pub fn new(name: &str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_control);
        fits.then(|| Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_printable_text_and_bounded() {
        let longest = "p".repeat(LONGEST);
        for good in ["dev", "spiffe://acme.example/ns/prod/sa/recorder", longest.as_str()] {
            assert_eq!(Principal::new(good).unwrap().as_str(), good);
        }
        let too_long = "p".repeat(LONGEST + 1);
        for bad in ["", "a\nb", too_long.as_str()] {
            assert_eq!(Principal::new(bad), None);
        }
    }
}
