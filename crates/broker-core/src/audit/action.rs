//! What was done: an RPC, or something the broker does by itself.

use std::borrow::Cow;
use std::fmt;

/// The full name of an RPC (`tokenbroker.v1.TokenService/GetAccessToken`), or a word for what the broker does by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AuditAction(Cow<'static, str>);

impl AuditAction {
    /// A refresh was adopted.
    pub const ROTATE: Self = Self(Cow::Borrowed("rotate"));
    /// A token of a machine credential was minted.
    pub const MINT: Self = Self(Cow::Borrowed("mint"));
    /// A consent was adopted: a new lineage.
    pub const CONSENT: Self = Self(Cow::Borrowed("consent"));
    /// It was learnt, after the consent, whose account at the provider the grant is of.
    pub const LEARN_ACCOUNT: Self = Self(Cow::Borrowed("learn_account"));
    /// Another user of the tenant has a grant of the same account at the provider.
    pub const SHARE_ACCOUNT: Self = Self(Cow::Borrowed("share_account"));
    /// A consent or import was refused: it is of another account at the provider than the grant.
    pub const REFUSE_ACCOUNT: Self = Self(Cow::Borrowed("refuse_account"));
    /// A consent or import was refused: its refresh token belongs to another grant.
    pub const REFUSE_TOKEN: Self = Self(Cow::Borrowed("refuse_token"));
    /// The provider gave no refresh token: the grant ends with its access token.
    pub const NO_OFFLINE_ACCESS: Self = Self(Cow::Borrowed("no_offline_access"));
    /// A browser came to the broker's own callback page.
    pub const RECEIVE_CALLBACK: Self = Self(Cow::Borrowed("receive_callback"));
    /// A device authorization ended without a grant.
    pub const END_DEVICE_AUTHORIZATION: Self = Self(Cow::Borrowed("end_device_authorization"));
    /// The grant was given up until its user consents again.
    pub const NEED_CONSENT: Self = Self(Cow::Borrowed("need_consent"));
    /// The window of the grant ended.
    pub const EXPIRE: Self = Self(Cow::Borrowed("expire"));
    /// It was told that the window of the grant will end; how long before stands in the resource.
    pub const ANNOUNCE_EXPIRY: Self = Self(Cow::Borrowed("announce_expiry"));
    /// The provider refreshed the grant after its window had ended: the window that is configured is wrong.
    pub const OVERRUN_WINDOW: Self = Self(Cow::Borrowed("overrun_window"));
    /// The last revocation of the grant ended.
    pub const REVOKE: Self = Self(Cow::Borrowed("revoke"));
    /// One of several token sets of a grant was revoked at the provider, or given up; the grant is not revoked thereby.
    pub const REVOKE_TOKENS: Self = Self(Cow::Borrowed("revoke_tokens"));
    /// Token sets that waited to be revoked were let go, because that could have ended a new consent.
    pub const LET_GO: Self = Self(Cow::Borrowed("let_go"));
    /// An answer came after its grant was revoked: its tokens are to be revoked too, and the grant is revoking again.
    pub const REVOKE_ANSWER: Self = Self(Cow::Borrowed("revoke_answer"));
    /// The provider refuses a registration: none of its grants is refreshed but for a trial.
    pub const PAUSE_REGISTRATION: Self = Self(Cow::Borrowed("pause_registration"));
    /// A paused registration works again.
    pub const RECOVER_REGISTRATION: Self = Self(Cow::Borrowed("recover_registration"));
    /// The provider refused a client secret: others are tried first.
    pub const REFUSE_SECRET: Self = Self(Cow::Borrowed("refuse_secret"));
    /// The provider accepted a client secret it had refused.
    pub const ACCEPT_SECRET: Self = Self(Cow::Borrowed("accept_secret"));
    /// The breaker of a provider opened: none of its grants is given up.
    pub const OPEN_BREAKER: Self = Self(Cow::Borrowed("open_breaker"));
    /// The breaker of a provider closed.
    pub const CLOSE_BREAKER: Self = Self(Cow::Borrowed("close_breaker"));
    /// A webhook was switched off: its receiver is gone, or failed for too long.
    pub const FAIL_WEBHOOK: Self = Self(Cow::Borrowed("fail_webhook"));
    /// A data key took over from the one before.
    pub const ADD_DATA_KEY: Self = Self(Cow::Borrowed("add_data_key"));
    /// New data keys are wrapped under another key encryption key.
    pub const CHANGE_PRIMARY_KEK: Self = Self(Cow::Borrowed("change_primary_kek"));
    /// What was left of a tenant that is being deleted.
    pub const DELETE_TENANT: Self = Self(Cow::Borrowed("delete_tenant"));
    /// The store was declared the only copy, by `token-broker store adopt`.
    pub const ADOPT_INSTALLATION: Self = Self(Cow::Borrowed("adopt_installation"));
    /// The data keys of a deleted tenant were destroyed.
    pub const DESTROY_KEYS: Self = Self(Cow::Borrowed("destroy_keys"));
    /// A rotation of keys ended, or gave way to one to another target.
    pub const ROTATE_KEYS: Self = Self(Cow::Borrowed("rotate_keys"));

    /// A chain of the audit log was begun: that of the tenant, or the installation's own.
    pub const BEGIN_CHAIN: Self = Self(Cow::Borrowed("begin_chain"));
    /// Records of failures came faster than they could be written, and were left out: how many stands in the resource.
    pub const DROP_RECORDS: Self = Self(Cow::Borrowed("drop_records"));

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
