//! What must hold of every page in every language; no browser is needed to see it.

use std::collections::BTreeSet;

use axum::http::HeaderMap;

use super::{Brand, Language, Page, headers};

fn brand() -> Brand {
    Brand {
        name: Some("A&B <script>alert(1)</script> \"'".to_owned()),
        logo: Some("https://cdn.example/logo.svg?a=1&b=\"2".parse().unwrap()),
    }
}

fn every_page() -> impl Iterator<Item = (Page<'static>, Language)> {
    Page::ALL.into_iter().flat_map(|page| Language::ALL.map(|language| (page, language)))
}

#[test]
fn every_text_is_there_in_each_language_and_is_its_own() {
    let mut seen = BTreeSet::new();
    for (page, language) in every_page() {
        let text = language.texts().of(&page);
        assert!(seen.insert(text.title), "{} is titled like another", page.name());
        for part in [text.title, text.message, text.next, language.texts().code_label] {
            assert!(!part.trim().is_empty(), "{} in {}", page.name(), language.tag());
            assert!(!part.contains("  "), "{part}");
        }
    }
    assert_eq!(seen.len(), Page::ALL.len() * Language::ALL.len());
}

#[test]
fn a_page_says_its_language_and_has_one_heading_in_one_landmark() {
    for (page, language) in every_page() {
        let html = page.render(&brand(), language);
        for once in [
            format!("<html lang=\"{}\">", language.tag()),
            "<main ".to_owned(),
            "<h1>".to_owned(),
            "<title>".to_owned(),
            "name=\"viewport\"".to_owned(),
            "prefers-color-scheme: dark".to_owned(),
        ] {
            assert_eq!(html.matches(&once).count(), 1, "{once} in {}", page.name());
        }
    }
}

#[test]
fn nothing_runs_and_what_is_written_stays_text() {
    for (page, language) in every_page() {
        let html = page.render(&brand(), language).to_lowercase();
        for active in ["<script", "javascript:", "onload=", "onclick=", "<form", "<iframe", "<a ", "style=\""]
        {
            assert!(!html.contains(active), "{active} in {}", page.name());
        }
        assert!(html.contains("a&amp;b &lt;script&gt;alert(1)&lt;/script&gt; &quot;&#39;"));
        assert!(html.contains("src=\"https://cdn.example/logo.svg?a=1&amp;b=%222\""), "{html}");
    }
    let hostile = Page::Received("<img src=x onerror=alert(1)>").render(&Brand::default(), Language::English);
    assert!(!hostile.contains("<img") && hostile.contains("&lt;img src=x"));
}

#[test]
fn the_policy_allows_the_one_style_and_the_logo_alone() {
    let mut plain = HeaderMap::new();
    headers(&mut plain, Some(&Brand::default()));
    let policy = plain["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'",
        "style-src 'sha256-",
        "img-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    let mut branded = HeaderMap::new();
    headers(&mut branded, Some(&brand()));
    let policy = branded["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("img-src https://cdn.example;"), "{policy}");
}

#[test]
fn the_style_in_the_page_is_the_one_whose_digest_is_allowed() {
    use base64::Engine as _;
    let html = Page::Denied.render(&Brand::default(), Language::English);
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let digest = base64::engine::general_purpose::STANDARD.encode(broker_crypto::sha256(style.as_bytes()));
    let mut sent = HeaderMap::new();
    headers(&mut sent, Some(&Brand::default()));
    assert!(sent["content-security-policy"].to_str().unwrap().contains(&format!("'sha256-{digest}'")));
}

#[test]
fn pages_and_redirects_are_kept_nowhere_and_tell_nobody() {
    for page in [None, Some(&Brand::default())] {
        let mut sent = HeaderMap::new();
        headers(&mut sent, page);
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(sent[name], value);
        }
        assert_eq!(sent.contains_key("content-type"), page.is_some());
    }
}
