//! How long a provider asks to wait (RFC 9110 §10.2.3).

use std::time::{Duration, UNIX_EPOCH};

use broker_core::Timestamp;

/// A longer wait is taken to be this long: a wrong header must not park a grant until it dies.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Seconds, or a date in one of the three forms of RFC 9110 §5.6.7. `None` if there is nothing to wait for.
pub fn retry_after(header: &str, received_at: Timestamp) -> Option<Duration> {
    let wait = match header.trim() {
        digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Duration::from_secs(digits.parse().unwrap_or(u64::MAX))
        }
        date => instant(date)?.since(received_at),
    };
    (!wait.is_zero()).then(|| wait.min(LONGEST))
}

fn instant(date: &str) -> Option<Timestamp> {
    let since_epoch = httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_unix_seconds(i64::try_from(since_epoch.as_secs()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let received_at = Timestamp::from_unix_seconds(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let cases = [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("86401", Some(86400)),
            ("99999999999999999999999", Some(86400)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Fri, 31 Dec 2100 23:59:59 GMT", Some(86400)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("Sat, 05 Nov 1994 08:49:37 GMT", None),
            ("0", None),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
        ];
        for (header, seconds) in cases {
            assert_eq!(retry_after(header, received_at).map(|wait| wait.as_secs()), seconds, "{header:?}");
        }
    }
}
