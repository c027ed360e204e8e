//! Grant windows, read and written.

use std::time::Duration;

use broker_core::GrantWindow;
use broker_proto::v1;

use super::message::span;
use super::request::Fields;

/// No life is longer than a century: a longer one is a mistake in the unit.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// The window a registration asks for; `None` if it asks for none, or for one that cannot be.
pub(super) fn read(fields: &mut Fields, window: Option<v1::GrantWindow>) -> Option<GrantWindow> {
    let window = window?;
    let fixed = life(fields, "grant_window.fixed_from_consent", window.fixed_from_consent);
    let idle = life(fields, "grant_window.refresh_token_timeout", window.refresh_token_timeout);
    let ends = life(fields, "grant_window.authorization_expires_in", window.authorization_expires_in);
    if fixed.is_some() && (idle.is_some() || ends.is_some()) {
        let problem = "must stand alone; use `authorization_expires_in` beside `refresh_token_timeout`";
        fields.violation("grant_window.fixed_from_consent", problem);
    }
    Some(GrantWindow { refresh_token_timeout: idle, authorization_expires_in: fixed.or(ends) })
}

fn life(fields: &mut Fields, name: &str, given: Option<prost_types::Duration>) -> Option<Duration> {
    given?;
    let life = fields.duration(name, given, Duration::ZERO, LONGEST)?;
    if life.is_zero() {
        fields.violation(name, "must be longer than zero");
    }
    Some(life)
}

/// The window of a registration.
pub(super) fn write(window: GrantWindow) -> v1::GrantWindow {
    let ends = window.authorization_expires_in.map(span);
    match window.refresh_token_timeout {
        None => v1::GrantWindow { fixed_from_consent: ends, ..Default::default() },
        Some(idle) => v1::GrantWindow {
            refresh_token_timeout: Some(span(idle)),
            authorization_expires_in: ends,
            ..Default::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: i64) -> Option<prost_types::Duration> {
        Some(prost_types::Duration { seconds: days * 86_400, nanos: 0 })
    }

    fn read_back(window: v1::GrantWindow) -> Option<v1::GrantWindow> {
        let mut fields = Fields::default();
        let read = read(&mut fields, Some(window));
        fields.finish(read).ok().map(write)
    }

    #[test]
    fn a_window_is_answered_as_it_was_asked_for() {
        let fixed = v1::GrantWindow { fixed_from_consent: days(7), ..Default::default() };
        let both = v1::GrantWindow {
            refresh_token_timeout: days(14),
            authorization_expires_in: days(90),
            ..Default::default()
        };
        for window in [fixed, both, v1::GrantWindow::default()] {
            assert_eq!(read_back(window), Some(window));
        }
        let ends = v1::GrantWindow { authorization_expires_in: days(7), ..Default::default() };
        assert_eq!(read_back(ends), Some(fixed), "the same in other words");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [days(0), days(-1), days(40_000)] {
            let window = v1::GrantWindow { refresh_token_timeout: bad, ..Default::default() };
            assert_eq!(read_back(window), None, "{bad:?}");
        }
        let twice = v1::GrantWindow {
            fixed_from_consent: days(7),
            refresh_token_timeout: days(7),
            ..Default::default()
        };
        assert_eq!(read_back(twice), None);
    }
}
