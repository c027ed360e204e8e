//! The secrets of a client registration: sealed, numbered, and tried in an order that learns.

use std::fmt;

use broker_crypto::{ClientSecret, Sealed};

use crate::Timestamp;

/// Number of a secret within its registration, from 1. Never given twice while the registration lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId(u32);

impl SecretId {
    /// Of the secret a registration is created with.
    pub const FIRST: Self = Self(1);

    /// The secret of that number; `None` for 0.
    pub const fn new(number: u32) -> Option<Self> {
        match number {
            0 => None,
            number => Some(Self(number)),
        }
    }

    /// From the id's text: the number, written in one way only.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self::new(text.parse().ok()?)?;
        (id.to_string() == text).then_some(id)
    }

    /// Its number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The id of the secret made after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One secret of a registration.
#[derive(Debug, Clone)]
pub struct RegisteredSecret {
    /// Its number.
    pub id: SecretId,
    /// The secret, sealed at a place of its own: another's does not open here.
    pub sealed: Sealed<ClientSecret>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When the provider last accepted it, as far as that was noted.
    pub last_accepted_at: Option<Timestamp>,
    /// When the provider last refused it, if it did since it last accepted it.
    pub refused_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_in_one_way() {
        for (text, number) in [("1", 1), ("42", 42), ("4294967295", u32::MAX)] {
            let id = SecretId::parse(text).unwrap();
            assert_eq!((id.get(), id.to_string().as_str()), (number, text));
        }
        for bad in ["", "0", "01", "+1", "-1", " 1", "1.0", "4294967296", "main"] {
            assert_eq!(SecretId::parse(bad), None, "{bad}");
        }
    }
}
