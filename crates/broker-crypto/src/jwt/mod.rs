//! JSON web tokens (RFC 7519) that somebody else signed: whether one of a known issuer's keys did, and what they say.
//!
//! A token chooses nothing: which algorithms, issuer and audiences are accepted stands in [`TokenRules`], and a key is
//! used only with the algorithm its kind belongs to (RFC 8725). There are no shared secrets here and no `none`.

mod algorithm;
mod claims;
mod jwk;
mod jwk_set;
mod refusal;
mod rules;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod token;
#[cfg(test)]
mod token_tests;

pub use algorithm::Algorithm;
pub use jwk_set::{JwkSet, JwkSetError};
pub use refusal::TokenRefused;
pub use rules::TokenRules;
pub use token::{LONGEST_TOKEN, SignedToken, Verified};
