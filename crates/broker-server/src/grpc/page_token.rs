//! Page tokens: the key of the last grant of a page. Opaque to clients, no secret.

use broker_core::{BrokerError, FieldViolation, GrantKey};

use super::request::Fields;

/// A token for the page after `key`.
pub(super) fn write(key: &GrantKey) -> String {
    let parts = [key.tenant.as_str(), key.provider.as_str(), key.user.as_str(), key.account.as_str()];
    serde_json::json!(parts).to_string()
}

/// The key after which the page begins.
pub(super) fn read(token: &str) -> Result<Option<GrantKey>, BrokerError> {
    if token.is_empty() {
        return Ok(None);
    }
    let parts: Option<[String; 4]> = serde_json::from_str(token).ok();
    parts
        .and_then(|[tenant, provider, user, account]| {
            let mut fields = Fields::default();
            let key = fields.key(&tenant, &provider, &user, &account);
            fields.finish(key).ok()
        })
        .map(Some)
        .ok_or_else(|| {
            let problem = "is not a page token of this list; leave it empty to begin anew";
            BrokerError::InvalidRequest(vec![FieldViolation::new("page_token", problem)])
        })
}
