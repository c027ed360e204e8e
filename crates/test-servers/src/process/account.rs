//! Who runs a server that refuses to run as root.

use std::fs;

use anyhow::{Context as _, Result};
use rustix::process::geteuid;

/// A user without rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// `nobody` when we are root, else `None`: ourselves.
    pub(crate) fn unprivileged() -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        Self::of("nobody", &users)
            .map(Some)
            .context("there is no user `nobody` to run Postgres as: run the tests without root")
    }

    fn of(name: &str, users: &str) -> Option<Self> {
        let mut fields = users
            .lines()
            .map(|line| line.split(':'))
            .find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
        Some(Self { uid: fields.nth(1)?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/:/usr/sbin/nologin\n";
        assert_eq!(Account::of("nobody", users), Some(Account { uid: 65534, gid: 65533 }));
        assert_eq!(Account::of("body", users), None);
    }
}
