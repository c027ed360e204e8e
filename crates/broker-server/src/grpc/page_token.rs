//! Page tokens: what the last item of a page is found by. Opaque to clients, no secret.

use broker_core::{BrokerError, FieldViolation, GrantKey};

use super::request::Fields;

/// A token for the page after the item these parts name.
pub(super) fn of<const N: usize>(parts: [&str; N]) -> String {
    serde_json::json!(parts.as_slice()).to_string()
}

/// The parts of a token; `None` for the first page.
pub(super) fn parts<const N: usize>(token: &str) -> Result<Option<[String; N]>, BrokerError> {
    if token.is_empty() {
        return Ok(None);
    }
    let parts: Option<Vec<String>> = serde_json::from_str(token).ok();
    let parts = parts.and_then(|parts| parts.try_into().ok());
    parts.map(Some).ok_or_else(foreign)
}

/// The token is of another list, or nobody's.
pub(super) fn foreign() -> BrokerError {
    let problem = "is not a page token of this list; leave it empty to begin anew";
    BrokerError::InvalidRequest(vec![FieldViolation::new("page_token", problem)])
}

/// A token for the page after the grant of `key`.
pub(super) fn write(key: &GrantKey) -> String {
    of([key.tenant.as_str(), key.provider.as_str(), key.user.as_str(), key.account.as_str()])
}

/// The key after which the page of grants begins.
pub(super) fn read(token: &str) -> Result<Option<GrantKey>, BrokerError> {
    let Some([tenant, provider, user, account]) = parts(token)? else { return Ok(None) };
    let mut fields = Fields::default();
    let key = fields.key(&tenant, &provider, &user, &account);
    fields.finish(key).map(Some).map_err(|_| foreign())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_one_of_another_list_is_not() {
        let token = of(["a", "b\"c"]);
        assert_eq!(parts::<2>(&token).unwrap(), Some(["a".to_owned(), "b\"c".to_owned()]));
        assert_eq!(parts::<2>("").unwrap(), None);
        for foreign in [token.as_str(), "nonsense", "[1,2,3]", "{}"] {
            assert!(parts::<3>(foreign).is_err(), "{foreign}");
        }
    }
}
