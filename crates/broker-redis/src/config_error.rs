//! What can be wrong with the configuration. Says neither the URL nor the password.

use std::io;
use std::path::PathBuf;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RedisConfigError {
    /// The URL is none.
    #[error("the Redis URL cannot be read: write redis://host:6379/0, or rediss://host:6379/0 for TLS")]
    Url,
    /// The URL has a fragment, as in `rediss://host#insecure`.
    #[error(
        "the Redis URL must not end in #...: certificates are always checked; name the CA in a file instead"
    )]
    Fragment,
    /// A CA without TLS.
    #[error(
        "a CA file for Redis is of no use without TLS: write rediss:// in the URL, or leave the CA file out"
    )]
    CaWithoutTls,
    /// A file cannot be read.
    #[error("{} cannot be read: check the path and that this user may read it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The password file is empty.
    #[error("{} holds no password: write it there on one line", path.display())]
    NoPassword {
        /// The file.
        path: PathBuf,
    },
    /// The CA file is none.
    #[error("{} holds no certificate: it must be PEM, with a BEGIN CERTIFICATE line", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
}
