//! What a parser says is wrong, without what the file says: any value may be a secret in the wrong place.

use std::ops::Range;

use super::Config;
use super::places::Places;

/// So many are told at once.
const MOST: usize = 20;

/// Everything that keeps `text` from being a configuration, each with line, column and key. Never an excerpt.
pub(super) fn every_problem(text: &str) -> Vec<String> {
    let (mut text, places) = (text.to_owned(), Places::of(text));
    let mut problems = Vec::new();
    while problems.len() < MOST {
        let Err(error) = toml::from_str::<Config>(&text) else { break };
        let at = error.span().map_or(0, |span| span.start);
        problems.push((at, in_file(&text, &error, &places)));
        // What is wrong is taken out, as if it were not set, to find what else is.
        match error.span().and_then(|span| places.setting_at(span.start)) {
            Some(setting) if !text[setting.clone()].trim().is_empty() => blank(&mut text, setting),
            _ => break,
        }
    }
    problems.sort();
    problems.into_iter().map(|(_, problem)| problem).collect()
}

/// Every line stays where it is.
fn blank(text: &mut String, setting: Range<usize>) {
    let blanked: String =
        text[setting.clone()].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
    text.replace_range(setting, &blanked);
}

fn in_file(text: &str, error: &toml::de::Error, places: &Places) -> String {
    let problem = without_values(error.message());
    let Some(span) = error.span() else { return problem };
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let key = places.key_at(span.start).map(|key| format!("{key}: ")).unwrap_or_default();
    format!("line {line}, column {column}: {key}{problem}")
}

/// A message of serde or of the parser. What serde found is quoted between these words and the last `, expected `.
pub(super) fn without_values(message: &str) -> String {
    const QUOTING: [&str; 4] = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "];
    let message = message.trim_end();
    if let Some(start) = QUOTING.into_iter().find(|start| message.starts_with(start)) {
        let expected = message.rfind(", expected ").map_or("", |at| &message[at..]);
        return format!("{}{expected}", start.trim_end_matches([' ', ':']));
    }
    match message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        Some((name, rest)) if !is_name(name) => format!("unknown field{rest}"),
        _ => message.to_owned(),
    }
}

/// Keys are words; key material and tokens are longer or carry other characters.
pub(super) fn is_name(key: &str) -> bool {
    key.len() <= 40 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_left_out() {
        for (message, told) in [
            ("invalid type: string \"s3cret, expected x\", expected a map", "invalid type, expected a map"),
            ("invalid value: string \"s3cret\", expected a duration", "invalid value, expected a duration"),
            ("unknown variant `s3cret`, expected `dev`", "unknown variant, expected `dev`"),
            ("invalid type: string \"s3cret\"", "invalid type"),
            (
                "unknown field `gprc`, expected `grpc` or `http`",
                "unknown field `gprc`, expected `grpc` or `http`",
            ),
            ("unknown field `k:s3cret`, expected `kek`", "unknown field, expected `kek`"),
            ("invalid socket address syntax", "invalid socket address syntax"),
        ] {
            assert_eq!(without_values(message), told);
        }
    }
}
