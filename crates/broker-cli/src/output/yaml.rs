//! YAML of what would be JSON: block style, and quotes wherever a reader could take a text for something else.

use serde_json::Value;

/// Words that some reader of YAML takes for a truth value or nothing.
const RESERVED: [&str; 11] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];

/// A document.
pub(super) fn render(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

/// Lines of a value, each after `indent` spaces; the first where the text stands now.
fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (number, (name, member)) in members.iter().enumerate() {
                if number > 0 {
                    *text += &" ".repeat(indent);
                }
                *text += &format!("{}:", scalar(name));
                below(member, indent, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    *text += &" ".repeat(indent);
                }
                *text += "- ";
                block(item, indent + 2, text);
            }
        }
        Value::String(string) => *text += &(scalar(string) + "\n"),
        other => *text += &format!("{other}\n"),
    }
}

/// The value of a member: behind its name, or on lines of its own.
fn below(member: &Value, indent: usize, text: &mut String) {
    let nested = match member {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    match nested {
        true => {
            *text += &format!("\n{}", " ".repeat(indent + 2));
            block(member, indent + 2, text);
        }
        false => {
            *text += " ";
            block(member, indent, text);
        }
    }
}

fn scalar(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./@".contains(letter))
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str());
    // A JSON string is a double-quoted scalar of YAML 1.2 (section 7.3.1).
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_nested_is_indented() {
        let value = json!({
            "grants": [{ "key": { "user": "u-1", "tags": ["a", 2] }, "on": true }, { "scopes": [] }],
            "next": "", "none": null, "empty": {},
        });
        let expected = "\
empty: {}
grants:
  - key:
      tags:
        - a
        - 2
      user: u-1
    \"on\": true
  - scopes: []
next: \"\"
none: null
";
        assert_eq!(render(&value), expected);
    }

    #[test]
    fn a_text_stays_a_text() {
        for (text, written) in [
            ("ACTIVE", "ACTIVE"),
            ("a.b/c_d-e@f", "a.b/c_d-e@f"),
            ("7", "\"7\""),
            ("0x1f", "\"0x1f\""),
            ("2026-11-23T03:30:54Z", "\"2026-11-23T03:30:54Z\""),
            ("Yes", "\"Yes\""),
            ("~", "\"~\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("- a", "\"- a\""),
            ("line\n\"two\"", "\"line\\n\\\"two\\\"\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }

    #[test]
    fn a_document_may_be_one_value() {
        assert_eq!(render(&json!({})), "{}\n");
        assert_eq!(render(&json!("x")), "x\n");
        assert_eq!(render(&json!([[1], []])), "- - 1\n- []\n");
    }
}
