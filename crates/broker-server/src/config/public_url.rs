//! `[http] public_url`: where browsers reach the broker.

use url::Url;

/// An absolute http or https URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// Reads it. The error says what would be right.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let refused =
            "must be an absolute URL like https://broker.example.com, without user, query or fragment";
        let url = Url::parse(text).map_err(|_| refused)?;
        let plain = url.username().is_empty() && url.password().is_none();
        let bare = url.query().is_none() && url.fragment().is_none();
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if web && plain && bare { Ok(Self(url)) } else { Err(refused) }
    }

    /// Whether `redirect_uri` is where the broker would receive this provider's callbacks.
    pub fn hosts_callback(&self, provider: &str, redirect_uri: &str) -> bool {
        let callback = format!("{}/oauth/callback/{provider}", self.0.as_str().trim_end_matches('/'));
        // Parsed, so that another spelling of the same URL is the same URL.
        Url::parse(redirect_uri).is_ok_and(|uri| uri.as_str() == callback)
    }
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
