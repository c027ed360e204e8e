//! The judgement, from evidence alone.

mod case;
mod chance;
mod double_spends;
mod ledger;
mod loss;
mod verdict;

pub(crate) use self::case::{Case, Record};
pub(crate) use self::loss::Loss;
pub(crate) use self::verdict::{Charge, Verdict};

#[cfg(test)]
mod tests;
