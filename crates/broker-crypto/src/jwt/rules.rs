//! What is accepted of one issuer.

use super::Algorithm;

/// What is accepted of one issuer. Configured, never taken from a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRules {
    /// `iss`, exactly.
    pub issuer: String,
    /// `aud` must name one of these.
    pub audiences: Vec<String>,
    /// `alg` must be one of these.
    pub algorithms: Vec<Algorithm>,
    /// How far the issuer's clock may be off, in seconds.
    pub leeway: i64,
    /// The claim that names the caller.
    pub subject_claim: String,
}
