//! The version of a server, out of what it says of itself.

use std::fmt;

/// Major and minor version. Orders by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    minor: u32,
}

impl Version {
    /// The first word of `text` that is a version: `postgres (PostgreSQL) 17.2 (Debian …)`, `Redis server v=7.0.15 …`.
    pub(crate) fn within(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(Self::from_word)
    }

    /// `17.2`, `v=7.0.15`, `18beta1`.
    fn from_word(word: &str) -> Option<Self> {
        let mut parts = word.trim_start_matches("v=").split('.').map(leading_number);
        Some(Self { major: parts.next()??, minor: parts.next().flatten().unwrap_or(0) })
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_servers_say() {
        let said = [
            ("postgres (PostgreSQL) 15.19 (Debian 15.19-0+deb12u1)", "15.19"),
            ("15.19 (Debian 15.19-0+deb12u1)", "15.19"),
            ("postgres (PostgreSQL) 18beta1", "18.0"),
            (
                "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=d81bff71cbb150e",
                "7.0",
            ),
            ("8.2.1", "8.2"),
        ];
        for (text, version) in said {
            assert_eq!(
                Version::within(text).map(|found| found.to_string()).as_deref(),
                Some(version),
                "{text}"
            );
        }
        assert_eq!(Version::within("command not found"), None);
    }

    #[test]
    fn versions_order_by_number_not_by_letter() {
        assert!(Version::within("9.6") < Version::within("15.2"));
        assert!(Version::within("15.2") < Version::within("15.19"));
    }
}
