//! In which language a page is: the one the browser likes best among those there are (RFC 9110 §12.5.4).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use serde::Deserialize;

/// A language with texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The best of those the browser accepts; `otherwise` if there is none.
    pub(in crate::callback) fn asked(headers: &HeaderMap, otherwise: Self) -> Self {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let ranges = accepted.unwrap_or_default().split(',').take(16).filter_map(range);
        // Of equals the first.
        let best = ranges.fold(None, |best: Option<(Self, f32)>, (language, weight)| match best {
            Some((_, most)) if most >= weight => best,
            _ => Some((language, weight)),
        });
        best.map_or(otherwise, |(language, _)| language)
    }
}

/// One range and its weight, if there are texts for it.
fn range(text: &str) -> Option<(Language, f32)> {
    let (tag, parameters) = text.split_once(';').unwrap_or((text, ""));
    let primary = tag.trim().split('-').next().unwrap_or_default();
    let language = Language::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(primary))?;
    let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse().ok())?;
    (weight > 0.0).then_some((language, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_favourite_among_those_there_are() {
        for (accepted, language) in [
            ("", Language::English),
            ("de", Language::German),
            ("de-AT, en;q=0.8", Language::German),
            ("en-GB,de;q=0.9", Language::English),
            ("fr, en;q=0.2, DE;q=0.7", Language::German),
            ("de;q=0, en;q=0.1", Language::English),
            ("de;q=high", Language::English),
            ("fr-FR,*;q=0.5", Language::English),
            ("en;q=0.5,de;q=0.5", Language::English),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, accepted.parse().unwrap())]);
            assert_eq!(Language::asked(&headers, Language::English), language, "{accepted}");
        }
        assert_eq!(Language::asked(&HeaderMap::new(), Language::German), Language::German);
    }
}
