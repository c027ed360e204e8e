//! The consent page: a plain form, as a person with a browser would see it.

use crate::params::Params;

/// Field of the form that carries the user's choice of account.
pub(crate) const USER: &str = "user";
/// Field of the form that carries the decision.
pub(crate) const DECISION: &str = "decision";
/// The decision to let the application in.
pub(crate) const APPROVE: &str = "approve";
/// The decision to refuse it.
pub(crate) const DENY: &str = "deny";

/// What the page shows and where it leads.
pub(crate) struct ConsentPage<'a> {
    pub(crate) provider: &'a str,
    pub(crate) action: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) scope: &'a str,
    /// Identifier and label of every user who may sign in.
    pub(crate) users: Vec<(&'a str, String)>,
    /// The authorization request, sent again with the decision.
    pub(crate) request: &'a Params,
}

impl ConsentPage<'_> {
    pub(crate) fn render(&self) -> String {
        let [provider, action] = [self.provider, self.action].map(escape);
        let [client, scope] = [self.client_id, self.scope].map(escape);
        let (hidden, users) = (self.hidden_fields(), self.user_options());
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{provider} (simulated)</title></head>\n\
             <body>\n<h1>{provider} (simulated)</h1>\n\
             <p>The application <strong>{client}</strong> asks for: <strong>{scope}</strong></p>\n\
             <form method=\"post\" action=\"{action}\">\n{hidden}\
             <label>Sign in as <select name=\"{USER}\">{users}</select></label>\n\
             <button name=\"{DECISION}\" value=\"{APPROVE}\">Approve</button>\n\
             <button name=\"{DECISION}\" value=\"{DENY}\">Deny</button>\n</form>\n</body></html>\n"
        )
    }

    fn hidden_fields(&self) -> String {
        let field = |(name, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
        };
        self.request.iter().map(field).collect()
    }

    fn user_options(&self) -> String {
        let option = |(id, label): &(&str, String)| {
            format!("<option value=\"{}\">{}</option>", escape(id), escape(label))
        };
        self.users.iter().map(option).collect()
    }
}

/// A page that says why the request stops here.
pub(crate) fn error_page(provider: &str, reason: &str) -> String {
    let [provider, reason] = [provider, reason].map(escape);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><body><h1>{provider} (simulated)</h1><p>{reason}</p></body></html>\n"
    )
}

/// Makes text safe inside HTML text and quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Undoes [`escape`].
pub(crate) fn unescape(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{escape, unescape};

    proptest! {
        #[test]
        fn unescape_undoes_escape_and_nothing_breaks_out_of_an_attribute(text in "\\PC*") {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['"', '<', '>', '\'']));
            prop_assert_eq!(unescape(&escaped), text);
        }
    }
}
