//! The members of a JSON object, each read only when asked for.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Deeper answers are refused: no token response nests this far.
const MAX_DEPTH: usize = 16;

/// A JSON object. A member that is odd spoils nothing but itself; of two with one name the last counts.
pub(crate) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads an object, no deeper than 16. `None` for everything else.
    pub(crate) fn parse(body: &'a [u8]) -> Option<Self> {
        let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        if too_deep(text) {
            return None;
        }
        serde_json::from_slice(text).ok()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    /// A member that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// A member that is there and says something: not `null`, `false` or an empty string.
    pub(crate) fn says(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !matches!(value.get(), "null" | "false" | "\"\""))
    }
}

fn too_deep(text: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shallow_objects_are_read() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Members::parse(nested(15).as_bytes()).is_some());
        assert!(Members::parse(nested(16).as_bytes()).is_none());
        assert!(Members::parse(br#"{"a":"[[[[[[[[[[[[[[[[[[[[\"[[[[["}"#).is_some(), "brackets in strings");
        for bad in ["", "null", "[]", "\"x\"", "<html>", "{", "{}{}", "{\"a\":1,}", "{\"a\":\"\u{1}\"}"] {
            assert!(Members::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn odd_members_spoil_nothing() {
        let body = b"\xEF\xBB\xBF {\"x\":1e999, \"a\":\"1\", \"s\":\"\\ud800\", \"a\":\"2\", \"n\":null, \"f\":false} ";
        let members = Members::parse(body).unwrap();
        assert_eq!(members.text("a").as_deref(), Some("2"));
        assert_eq!(members.text("s"), None);
        assert_eq!(members.text("x"), None);
        assert!(members.says("a") && members.says("x"));
        assert!(!members.says("n") && !members.says("f") && !members.says("missing"));
    }
}
