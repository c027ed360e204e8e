//! HTML of texts, with every value escaped.

use super::{Brand, Language, Page};

/// The only style sheet; it stands in the page, which loads nothing.
pub(super) const STYLE: &str = include_str!("style.css");

impl Page<'_> {
    /// The whole page.
    pub fn render(&self, brand: &Brand, language: Language) -> String {
        let texts = language.texts();
        let (tone, text) = (self.tone(), texts.of(self));
        let (title, message, next) = (escape(text.title), escape(text.message), escape(text.next));
        let (lang, head, code) = (language.tag(), brand.head(), self.code(texts.code_label));
        let brand_in_title = brand.name.as_ref().map(|name| format!(" – {}", escape(name)));
        format!(
            "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
             <title>{title}{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main class=\"{tone}\">\n\
             {head}<h1>{title}</h1>\n<p>{message}</p>\n{code}<p class=\"next\">{next}</p>\n</main>\n</body>\n</html>\n",
            brand_in_title.unwrap_or_default()
        )
    }

    fn tone(&self) -> &'static str {
        match self {
            Self::Received(_) => "good",
            Self::Denied => "plain",
            _ => "bad",
        }
    }

    fn code(&self, label: &str) -> String {
        let Self::Received(code) = self else { return String::new() };
        let (label, code) = (escape(label), escape(code));
        format!("<p class=\"code\"><span>{label}</span><code>{code}</code></p>\n")
    }
}

impl Brand {
    fn head(&self) -> String {
        let name = self.name.as_deref().map(escape);
        // The name stands beside it, so the logo says nothing to a screen reader unless it stands alone.
        let described = if name.is_some() { "" } else { "Logo" };
        let logo = self
            .logo
            .as_ref()
            .map(|url| format!("<img src=\"{}\" alt=\"{described}\" height=\"40\">\n", escape(url.as_str())));
        let name = name.map(|name| format!("<span>{name}</span>\n"));
        match (logo, name) {
            (None, None) => String::new(),
            (logo, name) => {
                let (logo, name) = (logo.unwrap_or_default(), name.unwrap_or_default());
                format!("<div class=\"brand\">\n{logo}{name}</div>\n")
            }
        }
    }
}

/// Text as text, in elements and in quoted attributes.
fn escape(text: &str) -> String {
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
