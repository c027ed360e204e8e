//! The prefix of API calls that a token response names, accepted only where it is allowed.

use serde::Deserialize;
use serde_json::value::RawValue;
use url::{Host, Url};

const HTTPS: u16 = 443;

/// `https://host:port`, if the member names an allowed host. Bearer tokens are sent there: a refused one is
/// left out with a warning, and never fails the answer it came with.
pub(crate) fn capture(member: &RawValue, api_hosts: &[String]) -> Option<String> {
    let Some((host, port)) = read(member) else {
        tracing::warn!("the provider named a base URL that is not https://host:port; it was left out");
        return None;
    };
    if !is_allowed(&host, api_hosts) {
        tracing::warn!(%host, "the provider named a base URL outside `api_hosts`; it was left out");
        return None;
    }
    Some(format!("https://{host}:{port}"))
}

#[derive(Deserialize)]
struct HostAndPort {
    hostname: String,
    #[serde(default = "https")]
    port: u16,
}

fn https() -> u16 {
    HTTPS
}

/// Eagle Eye's object of `hostname` and `port`, or a string.
fn read(member: &RawValue) -> Option<(Host, u16)> {
    if let Ok(text) = serde_json::from_str::<String>(member.get()) {
        return read_text(&text);
    }
    let HostAndPort { hostname, port } = serde_json::from_str(member.get()).ok()?;
    (port != 0 && is_plain(&hostname)).then_some(())?;
    Some((Host::parse(&hostname).ok()?, port))
}

/// `https://host[:port][/]`, or the same without the scheme.
fn read_text(text: &str) -> Option<(Host, u16)> {
    let authority = text.strip_prefix("https://").unwrap_or(text);
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    if !is_plain(authority) {
        return None;
    }
    let url = Url::parse(&format!("https://{authority}")).ok()?;
    Some((url.host()?.to_owned(), url.port().unwrap_or(HTTPS)))
}

/// Letters, digits and what an authority needs: no user info, path, escapes or control characters.
fn is_plain(authority: &str) -> bool {
    authority.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
}

/// A wildcard covers names below it, at any depth; an IP address must be listed itself.
fn is_allowed(host: &Host, api_hosts: &[String]) -> bool {
    let name = host.to_string();
    api_hosts.iter().any(|pattern| match (pattern.strip_prefix("*."), host) {
        (Some(parent), Host::Domain(_)) => is_below(&name, &parent.to_ascii_lowercase()),
        (Some(_), _) => false,
        (None, _) => name.eq_ignore_ascii_case(pattern),
    })
}

fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).and_then(|rest| rest.strip_suffix('.')).is_some_and(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allowed_hosts_are_taken() {
        let api_hosts = ["*.eagleeyenetworks.com".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
        let cases = [
            (
                r#"{"hostname":"api.c001.eagleeyenetworks.com","port":443}"#,
                Some("api.c001.eagleeyenetworks.com:443"),
            ),
            (
                r#"{"hostname":"API.c001.EagleEyeNetworks.com","port":8443}"#,
                Some("api.c001.eagleeyenetworks.com:8443"),
            ),
            (r#"{"hostname":"api.c001.eagleeyenetworks.com"}"#, Some("api.c001.eagleeyenetworks.com:443")),
            (r#"{"hostname":"127.0.0.1","port":9000,"more":{}}"#, Some("127.0.0.1:9000")),
            (r#"{"hostname":"[::1]","port":9000}"#, Some("[::1]:9000")),
            (r#""https://api.c001.eagleeyenetworks.com""#, Some("api.c001.eagleeyenetworks.com:443")),
            (r#""https://api.c001.eagleeyenetworks.com:444/""#, Some("api.c001.eagleeyenetworks.com:444")),
            (r#""api.c001.eagleeyenetworks.com""#, Some("api.c001.eagleeyenetworks.com:443")),
            (r#""http://api.c001.eagleeyenetworks.com""#, None),
            (r#""https://api.c001.eagleeyenetworks.com/path""#, None),
            (r#""https://api.c001.eagleeyenetworks.com@evil.example""#, None),
            (r#""https://evil.example#.eagleeyenetworks.com""#, None),
            (r#""https://evil.example?.eagleeyenetworks.com""#, None),
            (r#""https://evil.example\\.eagleeyenetworks.com""#, None),
            (r#"{"hostname":"evil.example/.eagleeyenetworks.com","port":443}"#, None),
            (r#"{"hostname":"evil.example","port":443}"#, None),
            (r#"{"hostname":"evileagleeyenetworks.com","port":443}"#, None),
            (r#"{"hostname":"eagleeyenetworks.com","port":443}"#, None),
            (r#"{"hostname":".eagleeyenetworks.com","port":443}"#, None),
            (r#"{"hostname":"api.eagleeyenetworks.com.evil.example","port":443}"#, None),
            (r#"{"hostname":"api.eagleeyenetworks.com.","port":443}"#, None),
            (r#"{"hostname":"10.0.0.1","port":443}"#, None),
            (r#"{"hostname":"169.254.169.254","port":80}"#, None),
            (r#"{"hostname":"api.eagleeyenetworks.com","port":0}"#, None),
            (r#"{"hostname":"api.eagleeyenetworks.com","port":70000}"#, None),
            (r#"{"hostname":"api.eagleeyenetworks.com:1","port":443}"#, None),
            (r#"{"hostname":"","port":443}"#, None),
            (r#"{"port":443}"#, None),
            ("[]", None),
            ("7", None),
        ];
        for (json, expected) in cases {
            let member: &RawValue = serde_json::from_str(json).unwrap();
            let captured = capture(member, &api_hosts);
            assert_eq!(captured, expected.map(|authority| format!("https://{authority}")), "{json}");
        }
    }

    #[test]
    fn without_a_list_nothing_is_taken() {
        let member: &RawValue = serde_json::from_str(r#""https://api.example.com""#).unwrap();
        assert_eq!(capture(member, &[]), None);
    }
}
