//! The one who holds the key encryption keys.

use super::KeySource;
use crate::config::TransitConfig;

/// Who holds the key encryption keys.
#[derive(Debug, Clone)]
pub enum KeyProvider {
    /// This process, which reads them there.
    Source(KeySource),
    /// The transit engine of Vault or OpenBao.
    Transit(TransitConfig),
}
