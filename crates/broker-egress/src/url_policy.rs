//! Which URLs may be called at all.

use url::{Host, Url};

/// Why a URL may not be called. The text is for whoever configured it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
    /// Neither `https` nor `http`.
    #[error("the URL must begin with https://")]
    Scheme,
    /// Plain `http` to a host that is not this machine.
    #[error("plain http is allowed for loopback hosts only; use https")]
    PlainHttp,
    /// A user name or password in the URL (RFC 6749 §2.3.1: credentials never stand in a URI).
    #[error("the URL must not contain a user name or password")]
    Credentials,
    /// The host is an address inside our own walls.
    #[error("the URL must not name an address that is not public; [webhooks] allow_networks allows others")]
    ForbiddenAddress,
}

/// Refuses URLs that a secret must not be sent to.
pub fn screen(url: &Url) -> Result<(), UrlRefused> {
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => return Err(UrlRefused::PlainHttp),
        _ => return Err(UrlRefused::Scheme),
    }
    match url.username().is_empty() && url.password().is_none() {
        true => Ok(()),
        false => Err(UrlRefused::Credentials),
    }
}

/// Whether the host is this machine: `127.0.0.0/8`, `::1` or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_screened() {
        let cases = [
            ("https://auth.example.com/token", Ok(())),
            ("http://127.0.0.1:8080/token", Ok(())),
            ("http://127.9.9.9/token", Ok(())),
            ("http://[::1]:1/token", Ok(())),
            ("http://LOCALHOST/token", Ok(())),
            ("http://auth.example.com/token", Err(UrlRefused::PlainHttp)),
            ("http://localhost.example.com/token", Err(UrlRefused::PlainHttp)),
            ("http://10.0.0.1/token", Err(UrlRefused::PlainHttp)),
            ("http://[::ffff:127.0.0.1]/token", Err(UrlRefused::PlainHttp)),
            ("ftp://localhost/token", Err(UrlRefused::Scheme)),
            ("https://id:secret@auth.example.com/token", Err(UrlRefused::Credentials)),
            ("https://id@auth.example.com/token", Err(UrlRefused::Credentials)),
        ];
        for (text, expected) in cases {
            assert_eq!(screen(&Url::parse(text).unwrap()), expected, "{text}");
        }
    }
}
