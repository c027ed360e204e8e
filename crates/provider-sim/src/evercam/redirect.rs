//! Which redirect URIs Evercam takes: registered ones, and for `http://localhost` any port of the same path.

use url::Url;

/// Whether the URI may be redirected to.
pub(super) fn is_allowed(uri: &str, registered: &[String]) -> bool {
    let Ok(parsed) = Url::parse(uri) else { return false };
    let local = is_local(&parsed);
    if parsed.scheme() != "https" && !local {
        return false;
    }
    registered.iter().any(|own| own == uri || (local && differs_in_port_only(&parsed, own)))
}

fn is_local(uri: &Url) -> bool {
    uri.scheme() == "http" && uri.host_str() == Some("localhost")
}

fn differs_in_port_only(uri: &Url, own: &str) -> bool {
    let Ok(own) = Url::parse(own) else { return false };
    is_local(&own)
        && own.path() == uri.path()
        && own.query() == uri.query()
        && own.fragment() == uri.fragment()
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn ports_are_flexible_on_localhost_only() {
        let registered =
            ["http://localhost:3000/callback", "https://app.example/cb", "http://app.example/cb"];
        let registered = registered.map(str::to_owned);
        let table = [
            ("http://localhost:3000/callback", true),
            ("http://localhost:4444/callback", true),
            ("http://localhost/callback", true),
            ("http://localhost:3000/other", false),
            ("http://localhost:3000/callback?x=1", false),
            ("https://localhost:3000/callback", false),
            ("http://127.0.0.1:3000/callback", false),
            ("http://localhost.evil.example:3000/callback", false),
            ("https://app.example/cb", true),
            ("https://app.example:8443/cb", false),
            ("https://app.example/cb/", false),
            ("http://app.example/cb", false),
            ("callback", false),
        ];
        for (uri, allowed) in table {
            assert_eq!(is_allowed(uri, &registered), allowed, "{uri}");
        }
    }
}
