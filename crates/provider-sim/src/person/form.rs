//! Reading the consent form out of the page.

use crate::consent_page::unescape;

/// The form of a consent page.
pub(super) struct Form {
    pub(super) action: String,
    pub(super) hidden: Vec<(String, String)>,
    pub(super) users: Vec<String>,
}

impl Form {
    pub(super) fn find(page: &str) -> Option<Self> {
        let form = between(page, "<form", "</form>")?;
        let hidden =
            tags(form, "<input").filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)));
        let users = tags(form, "<option").filter_map(|tag| attribute(tag, "value"));
        Some(Self { action: attribute(form, "action")?, hidden: hidden.collect(), users: users.collect() })
    }
}

/// The insides of every tag that starts with `opening`.
fn tags<'a>(text: &'a str, opening: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(opening).skip(1).filter_map(|rest| rest.split('>').next())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    between(tag, &format!(" {name}=\""), "\"").map(unescape)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::Form;
    use crate::consent_page::ConsentPage;
    use crate::params::Params;

    #[test]
    fn the_rendered_form_is_read_back() {
        let request = Params::from_urlencoded(b"state=%22%3E%3C%26amp;&client_id=a+b");
        let page = ConsentPage {
            provider: "P",
            action: "/oauth/authorize",
            client_id: "a b",
            scope: "<s>",
            users: vec![("alice", "Alice".to_owned()), ("\"bob\"", "Bob".to_owned())],
            request: &request,
        };
        let form = Form::find(&page.render()).unwrap();
        assert_eq!(form.action, "/oauth/authorize");
        assert_eq!(form.users, ["alice", "\"bob\""]);
        let expected: Vec<_> =
            request.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(form.hidden, expected);
    }
}
