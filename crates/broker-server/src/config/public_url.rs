//! `[http] public_url`: where browsers reach the broker.

use url::{Host, Url};

/// An absolute https URL, or http on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// Reads it. The error says what would be right.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let refused = "must be an https URL like https://broker.example.com, or http on loopback, without user, query or fragment";
        let url = Url::parse(text).map_err(|_| refused)?;
        let bare = url.query().is_none() && url.fragment().is_none();
        if is_safe(&url) && bare { Ok(Self(url)) } else { Err(refused) }
    }

    /// Whether `redirect_uri` is where the broker would receive this provider's callbacks.
    pub fn hosts_callback(&self, provider: &str, redirect_uri: &str) -> bool {
        // Parsed, so that another spelling of the same URL is the same URL.
        Url::parse(redirect_uri).is_ok_and(|uri| uri.as_str() == self.callback(provider))
    }

    /// The URL of the callback page for a provider.
    pub fn callback(&self, provider: &str) -> String {
        format!("{}/oauth/callback/{provider}", self.0.as_str().trim_end_matches('/'))
    }
}

/// Nobody on the way reads or changes what is sent there: https, or http on this machine; and it names no user.
pub(super) fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let plain = url.username().is_empty() && url.password().is_none();
    plain && url.has_host() && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_web_urls() {
        for good in ["https://broker.example.com", "http://127.0.0.1:7401/", "https://example.com/broker"] {
            assert!(PublicUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/broker",
            "broker.example.com",
            "ftp://example.com",
            "https://",
            "https://a.example/?q",
            "https://me:secret@a.example",
            "https://a.example/#f",
            "mailto:a@example.com",
            "http://broker.example.com",
        ] {
            assert!(PublicUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn its_own_callback_is_known_in_any_spelling() {
        for url in ["https://broker.example.com", "https://broker.example.com/"] {
            let url = PublicUrl::parse(url).unwrap();
            assert!(url.hosts_callback("evercam", "https://broker.example.com/oauth/callback/evercam"));
            assert!(url.hosts_callback("evercam", "https://BROKER.example.com:443/oauth/callback/evercam"));
            assert!(!url.hosts_callback("eagle-eye", "https://broker.example.com/oauth/callback/evercam"));
            assert!(!url.hosts_callback("evercam", "https://app.example.com/oauth/callback/evercam"));
        }
    }
}
