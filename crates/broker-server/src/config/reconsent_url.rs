//! `[pages] reconsent_url`: where users of the operator's product begin a consent.

use broker_core::GrantKey;
use url::{Url, form_urlencoded};

use super::public_url::is_safe;

const REFUSED: &str = "must be an https URL, or http on loopback, without a user; of {tenant}, {provider}, {user} and {account} \
                       it may have those that are wanted, in its query or fragment";

/// A URL that may have places for the parts of a grant's key, after its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconsentUrl(String);

impl ReconsentUrl {
    /// Reads it. The error says what would be right.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        // Left of them a user's id could choose another page, or another host.
        let fixed = text.split(['?', '#']).next().unwrap_or_default();
        let filled = fill(text, ["x"; 4]);
        let has_places_left = filled.contains(['{', '}']);
        let is_url = Url::parse(&filled).is_ok_and(|url| is_safe(&url));
        match is_url && !has_places_left && !fixed.contains('{') {
            true => Ok(Self(text.to_owned())),
            false => Err(REFUSED),
        }
    }

    /// The URL for a grant. `None` where it has places, and nobody knows for which grant.
    pub(crate) fn of(&self, key: Option<&GrantKey>) -> Option<String> {
        let Some(key) = key else { return (!self.0.contains('{')).then(|| self.0.clone()) };
        let parts = [key.tenant.as_str(), key.provider.as_str(), key.user.as_str(), key.account.as_str()];
        Some(fill(&self.0, parts))
    }
}

/// One pass, so that what a part looks like does not matter.
fn fill(text: &str, [tenant, provider, user, account]: [&str; 4]) -> String {
    let places = [("{tenant}", tenant), ("{provider}", provider), ("{user}", user), ("{account}", account)];
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find('{') {
        let (before, from) = rest.split_at(begin);
        filled.push_str(before);
        match places.iter().find(|(place, _)| from.starts_with(place)) {
            Some((place, part)) => {
                filled.push_str(&escaped(part));
                rest = &from[place.len()..];
            }
            None => {
                filled.push('{');
                rest = &from[1..];
            }
        }
    }
    filled + rest
}

/// A space as `%20`: `+` means one in a form only.
fn escaped(part: &str) -> String {
    form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use broker_core::{AccountLabel, ProviderName, TenantId, UserId};

    use super::*;

    fn key(user: &str) -> GrantKey {
        GrantKey {
            tenant: TenantId::new("acme").unwrap(),
            provider: ProviderName::new("evercam").unwrap(),
            user: UserId::new(user).unwrap(),
            account: AccountLabel::default_label(),
        }
    }

    #[test]
    fn only_urls_whose_page_is_fixed() {
        for good in [
            "https://app.example/connect",
            "http://127.0.0.1:3000/connect?user={user}",
            "https://app.example/connect?t={tenant}&p={provider}&u={user}&a={account}",
            "https://app.example/#/connect?u={user}",
        ] {
            assert!(ReconsentUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/connect",
            "http://app.example/connect",
            "https://me@app.example/",
            "https://{tenant}.example/",
            "https://app.example/{user}",
            "https://app.example/?u={usr}",
            "https://app.example/?u={user",
            "https://app.example/?u=user}",
            "javascript:alert(1)",
        ] {
            assert!(ReconsentUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parts_are_escaped_and_never_taken_for_places() {
        let url = ReconsentUrl::parse("https://app.example/c?u={user}&t={tenant}#{provider}").unwrap();
        let filled = url.of(Some(&key("{tenant}&t=evil #ä+"))).unwrap();
        assert_eq!(filled, "https://app.example/c?u=%7Btenant%7D%26t%3Devil%20%23%C3%A4%2B&t=acme#evercam");
        assert_eq!(url.of(None), None, "for which grant?");
    }

    #[test]
    fn without_places_it_tells_nothing_of_the_grant() {
        let url = ReconsentUrl::parse("https://app.example/connect").unwrap();
        for key in [None, Some(&key("ada"))] {
            assert_eq!(url.of(key).as_deref(), Some("https://app.example/connect"));
        }
    }
}
