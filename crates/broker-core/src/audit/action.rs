//! What was done: an RPC, or something the broker does by itself.

use std::borrow::Cow;
use std::fmt;

/// The full name of an RPC (`tokenbroker.v1.TokenService/GetAccessToken`), or a word for what the broker does by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AuditAction(Cow<'static, str>);

impl AuditAction {
    /// A refresh was adopted.
    pub const ROTATE: Self = Self(Cow::Borrowed("rotate"));
    /// A consent was adopted: a new lineage.
    pub const CONSENT: Self = Self(Cow::Borrowed("consent"));
    /// The grant was given up until its user consents again.
    pub const NEED_CONSENT: Self = Self(Cow::Borrowed("need_consent"));
    /// The window of the grant ended.
    pub const EXPIRE: Self = Self(Cow::Borrowed("expire"));
    /// The last revocation of the grant ended.
    pub const REVOKE: Self = Self(Cow::Borrowed("revoke"));
    /// What was left of a tenant that is being deleted.
    pub const DELETE_TENANT: Self = Self(Cow::Borrowed("delete_tenant"));
    /// The breaker of a provider closed.
    pub const CLOSE_BREAKER: Self = Self(Cow::Borrowed("close_breaker"));
    /// The store was declared the only copy, by `token-broker store adopt`.
    pub const ADOPT_INSTALLATION: Self = Self(Cow::Borrowed("adopt_installation"));
    /// The data keys of a deleted tenant were destroyed.
    pub const DESTROY_KEYS: Self = Self(Cow::Borrowed("destroy_keys"));
    /// A rotation of keys ended.
    pub const ROTATE_KEYS: Self = Self(Cow::Borrowed("rotate_keys"));

    /// The action of that name, as a store has kept it or as an RPC has it.
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
