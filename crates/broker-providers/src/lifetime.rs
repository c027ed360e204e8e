//! How long something lives, in the many ways providers say it.

use std::time::Duration;

use serde_json::value::RawValue;

/// Longer lives are taken to be this long. Large numbers are literals, not errors
/// (draft-ietf-oauth-refresh-token-expiration), but sums with them must stay dates.
const LONGEST: f64 = 10.0 * 365.25 * 86400.0;

/// Seconds as a JSON number or numeric string, fractions dropped. `None` for anything not above zero:
/// Spring answers -1 where there is no expiry, others answer 0.
pub(crate) fn lifetime(raw: &RawValue) -> Option<Duration> {
    let seconds = seconds(raw)?.floor();
    (seconds >= 1.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST)))
}

/// What is left of a life. The same, but less than a second is zero: that may be the last second of what is repeated.
pub(crate) fn remaining(raw: &RawValue) -> Option<Duration> {
    lifetime(raw).or_else(|| (0.0..1.0).contains(&seconds(raw)?).then_some(Duration::ZERO))
}

fn seconds(raw: &RawValue) -> Option<f64> {
    let text = match raw.get().starts_with('"') {
        true => serde_json::from_str::<String>(raw.get()).ok()?,
        false => raw.get().to_owned(),
    };
    number(text.trim())
}

/// A decimal number. Unlike the standard library's reading it knows no `inf` and no `nan`.
fn number(text: &str) -> Option<f64> {
    let decimal = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    decimal.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_read_in_every_form() {
        let ten_years = Some(LONGEST as u64);
        let cases = [
            ("3600", Some(3600)),
            ("43198", Some(43198)),
            ("3600.9", Some(3600)),
            ("3.6e3", Some(3600)),
            ("\"28800\"", Some(28800)),
            ("\" 28800 \"", Some(28800)),
            ("\"28800.5\"", Some(28800)),
            ("1", Some(1)),
            ("0.5", None),
            ("0", None),
            ("\"0\"", None),
            ("-1", None),
            ("\"\"", None),
            ("\"soon\"", None),
            ("\"inf\"", None),
            ("\"NaN\"", None),
            ("\"1d\"", None),
            ("null", None),
            ("true", None),
            ("[3600]", None),
            ("{}", None),
            ("315576000", ten_years),
            ("99999999999999999999", ten_years),
            ("1e999", ten_years),
            ("\"1e999\"", ten_years),
        ];
        for (json, seconds) in cases {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert_eq!(lifetime(raw).map(|span| span.as_secs()), seconds, "{json}");
        }
    }

    #[test]
    fn less_than_a_second_may_remain() {
        for (json, seconds) in
            [("1.5", Some(1)), ("0.5", Some(0)), ("\"0\"", Some(0)), ("-1", None), ("null", None)]
        {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert_eq!(remaining(raw).map(|span| span.as_secs()), seconds, "{json}");
        }
    }
}
