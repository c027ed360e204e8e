//! How long a caller waits: the `grpc-timeout` header.

use std::time::Duration;

use axum::http::HeaderMap;
use tonic::metadata::MetadataMap;

const HEADER: &str = "grpc-timeout";

/// The answer is on its way this long before the caller's deadline.
const MARGIN: Duration = Duration::from_millis(100);

/// How long a handler may wait for a refresh; `None` where the caller named no deadline or one we cannot read.
pub(super) fn wait(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get(HEADER)?.to_str().ok()?;
    Some(parse(text)?.saturating_sub(MARGIN))
}

/// How long the caller of a request waits; `None` where it named no deadline or one we cannot read.
pub(super) fn of(headers: &HeaderMap) -> Option<Duration> {
    parse(headers.get(HEADER)?.to_str().ok()?)
}

/// At most eight digits and a unit (gRPC over HTTP/2, "Requests").
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let fits = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = fits.then(|| digits.parse().ok())??;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit_and_nothing_else() {
        assert_eq!(parse("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parse("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parse("10S"), Some(Duration::from_secs(10)));
        assert_eq!(parse("99999999m"), Some(Duration::from_millis(99_999_999)));
        assert_eq!(parse("7u"), Some(Duration::from_micros(7)));
        assert_eq!(parse("7n"), Some(Duration::from_nanos(7)));
        for bad in ["", "S", "10", "-1S", "123456789S", "1x", "1é"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
