//! What a parser says is wrong, without what the file says: any value may be a secret in the wrong place.

/// Line, column and problem. Never an excerpt.
pub(super) fn in_file(text: &str, error: &toml::de::Error) -> String {
    let problem = without_values(error.message());
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            format!("line {line}, column {column}: {problem}")
        }
        None => problem,
    }
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
fn is_name(key: &str) -> bool {
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
