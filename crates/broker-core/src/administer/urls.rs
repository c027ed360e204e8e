//! URLs that browsers are sent to.

/// Absolute, without user or fragment (RFC 6749 §3.1.2); https, or http on this machine (RFC 8252 §7.3).
pub(super) fn check_url(text: &str) -> Result<(), &'static str> {
    let url = url::Url::parse(text).map_err(|_| "must be an absolute URL")?;
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not name a user");
    }
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err("must be https, or http on a loopback host"),
    }
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn redirects_go_over_tls_or_stay_on_this_machine() {
        for good in
            ["https://app.example/cb", "http://127.0.0.1:3333", "http://localhost:3000/cb", "http://[::1]/"]
        {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "http://app.example/cb",
            "ftp://localhost/",
            "/cb",
            "https://a.example/#f",
            "javascript:alert(1)",
            "https://app.example@evil.example/",
            "https://:secret@app.example/",
            "//evil.example/",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
