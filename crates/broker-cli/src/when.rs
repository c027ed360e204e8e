//! Points in time for people: `2026-11-23T10:00:00Z (in 52m)`.

use std::time::SystemTime;

use prost_types::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// RFC 3339 in UTC, and how far that is from `now`. Empty where there is no time.
pub(crate) fn when(time: Option<&Timestamp>, now: &Timestamp) -> String {
    let Some(time) = time else { return String::new() };
    let whole_seconds = Timestamp { seconds: time.seconds, nanos: 0 };
    format!("{whole_seconds} ({})", relative(time.seconds.saturating_sub(now.seconds)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where the clock enters; everything else is handed the time"
)]
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

fn relative(seconds: i64) -> String {
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {}", span(seconds)),
        ..0 => format!("{} ago", span(seconds.saturating_neg())),
    }
}

/// The two largest units; one where it is precise enough.
fn span(seconds: i64) -> String {
    if seconds < MINUTE {
        format!("{seconds}s")
    } else if seconds < HOUR {
        format!("{}m", seconds / MINUTE)
    } else if seconds < DAY {
        pair(seconds, HOUR, "h", MINUTE, "m")
    } else {
        pair(seconds, DAY, "d", HOUR, "h")
    }
}

fn pair(seconds: i64, large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    match seconds % large / small {
        0 => format!("{}{large_unit}", seconds / large),
        rest => format!("{}{large_unit}{rest}{small_unit}", seconds / large),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_both_forms() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let later: Timestamp = "2026-11-23T10:52:00.5Z".parse().unwrap();
        assert_eq!(when(Some(&later), &now), "2026-11-23T10:52:00Z (in 52m)");
        assert_eq!(when(None, &now), "");
    }

    #[test]
    fn spans_keep_what_matters() {
        for (seconds, text) in [
            (0, "now"),
            (1, "in 1s"),
            (-59, "59s ago"),
            (3_599, "in 59m"),
            (3_600, "in 1h"),
            (5_400, "in 1h30m"),
            (-86_400, "1d ago"),
            (6 * DAY + 5 * HOUR + 59, "in 6d5h"),
            (i64::MIN, "106751991167300d15h ago"),
        ] {
            assert_eq!(relative(seconds), text);
        }
    }
}
