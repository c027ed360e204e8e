//! What can go wrong with keys and envelopes. No variant carries key material or plaintext.

/// A key could not be read, or a sealed value could not be opened.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CryptoError {
    /// The envelope names a key that this process does not hold.
    #[error("sealed under key {0}, which this process does not hold")]
    UnknownKey(String),
    /// Wrong key, moved to another place, or altered: the authentication tag does not match.
    #[error("the sealed value does not open here: it was altered, moved or sealed under another key")]
    DoesNotOpen,
    /// The bytes are not an envelope of a known version.
    #[error("not an envelope of a known version")]
    Malformed,
    /// No key of the needed purpose exists for the tenant.
    #[error("the tenant has no {0} data key")]
    NoKey(&'static str),
    /// The service that holds the key encryption key cannot be used now. Trying again later may help.
    #[error("the key management service cannot be used: {0}")]
    Unavailable(String),
    /// The data key has sealed as many values as it may (NIST SP 800-38D §8.3).
    #[error("data key {0} has sealed as many values as it may; rotate the tenant's data keys")]
    Exhausted(String),
    /// A line of key material is not `kid:base64(32 bytes)`.
    #[error(
        "key material line {line}: {problem}; expected `kid:base64(32 bytes)` as `token-broker keys generate` writes it"
    )]
    BadKeyMaterial {
        /// One-based line number.
        line: usize,
        /// What is wrong, without quoting the material.
        problem: &'static str,
    },
}
