//! How far a policy reaches, and how far a request does: one tenant or provider, or every one.

use std::fmt;

use crate::InvalidName;

const ALL: &str = "*";

/// The tenants or providers a policy is about. Written as the name, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach<T> {
    /// Every one, those to come included.
    All,
    /// This one.
    One(T),
}

/// The tenant or provider a request is about.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked<'a, T> {
    /// This one.
    One(&'a T),
    /// Every one at once: only a policy for all of them allows it.
    All,
    /// Known only after a lookup. A policy for any of them lets the lookup happen; then it is asked again.
    Unknown,
}

impl<T> Reach<T> {
    /// From text; `check` reads a name.
    pub fn new(
        text: impl Into<String>,
        check: impl FnOnce(String) -> Result<T, InvalidName>,
    ) -> Result<Self, InvalidName> {
        let text = text.into();
        if text == ALL { Ok(Self::All) } else { check(text).map(Self::One) }
    }

    /// The only one it is about.
    pub(super) fn one(&self) -> Option<&T> {
        match self {
            Self::All => None,
            Self::One(one) => Some(one),
        }
    }

    /// What a request asks for that is about all of this.
    pub fn asked(&self) -> Asked<'_, T> {
        match self {
            Self::All => Asked::All,
            Self::One(one) => Asked::One(one),
        }
    }

    /// Whether a policy that reaches so far covers what is asked.
    pub(super) fn covers(&self, asked: Asked<'_, T>) -> bool
    where
        T: PartialEq,
    {
        match (self, asked) {
            (Self::All, _) | (Self::One(_), Asked::Unknown) => true,
            (Self::One(own), Asked::One(asked)) => own == asked,
            (Self::One(_), Asked::All) => false,
        }
    }
}

impl<T> Clone for Asked<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Asked<'_, T> {}

impl<T: fmt::Display> fmt::Display for Reach<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(ALL),
            Self::One(one) => one.fmt(f),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Asked<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(ALL),
            Self::One(one) => one.fmt(f),
            Self::Unknown => f.write_str("?"),
        }
    }
}
