//! When a grant dies, and how near to that time a provider's answer still tells nothing.

use std::time::Duration;

use crate::{Grant, GrantWindow, Lifecycle, Timestamp};

/// Clocks differ, and the provider may count from the moment the user agreed, which is some minutes before the code is
/// exchanged. So much is allowed for...
const DOUBT: Duration = Duration::from_secs(600);

/// ...but never more than this part of the window.
const PART_IN_DOUBT: u32 = 100;

/// When a grant dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantEnd {
    /// Whatever is done; `None` if it does not.
    pub dies_at: Option<Timestamp>,
    /// When the authorization ends, which no refresh moves.
    pub authorization_ends_at: Option<Timestamp>,
    /// The idle life of the refresh token, which every refresh begins anew.
    pub refresh_token_timeout: Option<Duration>,
}

impl GrantEnd {
    /// The earliest end there is: by the window that is configured, or by what the provider answered where that is
    /// shorter. An answer counts what is left from `issued_at`.
    pub fn of(
        window: GrantWindow,
        answered: GrantWindow,
        issued_at: Timestamp,
        consented_at: Timestamp,
    ) -> Self {
        let idle = earliest(window.refresh_token_timeout, answered.refresh_token_timeout);
        let ends = earliest(
            window.authorization_expires_in.map(|life| consented_at + life),
            answered.authorization_expires_in.map(|left| issued_at + left),
        );
        Self {
            dies_at: earliest(idle.map(|life| issued_at + life), ends),
            authorization_ends_at: ends,
            refresh_token_timeout: idle,
        }
    }

    /// The end of a grant without a refresh token: that of its access token. Windows are of what is refreshed.
    pub fn of_token(expires_at: Timestamp) -> Self {
        Self {
            dies_at: Some(expires_at),
            authorization_ends_at: Some(expires_at),
            refresh_token_timeout: None,
        }
    }

    /// The first and the last time at which one more refresh is to tell whether the grant has ended, if that lies ahead.
    pub(super) fn next_trial(
        dies_at: Option<Timestamp>,
        consented_at: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let dies_at = dies_at?;
        [dies_at, dies_at + doubt(dies_at, consented_at)].into_iter().find(|trial| *trial > now)
    }
}

impl Grant {
    /// The provider has refreshed it after the end of its window: the window that is configured is shorter than the real
    /// one.
    pub fn overruns_window(&self) -> bool {
        let refreshed_after_end = |dies_at| {
            self.refreshed_at.is_some_and(|refreshed| overruns(Some(dies_at), self.consented_at, refreshed))
        };
        self.lifecycle == Lifecycle::Active && self.dies_at.is_some_and(refreshed_after_end)
    }

    /// A refusal of the refresh token is the end of its window, or as near to it as clocks can tell.
    pub fn window_is_over(&self, now: Timestamp) -> bool {
        self.dies_at.is_some_and(|dies_at| now + doubt(dies_at, self.consented_at) >= dies_at)
    }
}

/// Whether a success at `now` contradicts the end of the window.
pub fn overruns(dies_at: Option<Timestamp>, consented_at: Timestamp, now: Timestamp) -> bool {
    dies_at.is_some_and(|dies_at| now >= dies_at + doubt(dies_at, consented_at))
}

fn doubt(dies_at: Timestamp, consented_at: Timestamp) -> Duration {
    DOUBT.min(dies_at.since(consented_at) / PART_IN_DOUBT)
}

fn earliest<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::samples::{NOW, sample_grant};

    const DAY: Duration = Duration::from_secs(86_400);

    fn window(idle: Option<u32>, fixed: Option<u32>) -> GrantWindow {
        GrantWindow {
            refresh_token_timeout: idle.map(|days| DAY * days),
            authorization_expires_in: fixed.map(|days| DAY * days),
        }
    }

    #[test]
    fn the_earliest_window_ends_the_grant_and_the_providers_word_where_it_is_shorter() {
        let days = |window, answered| {
            let end = GrantEnd::of(window, answered, NOW + 80 * DAY, NOW);
            end.dies_at.map(|dies| dies.since(NOW).as_secs() / 86_400)
        };
        let (idle_and_fixed, silent) = (window(Some(14), Some(90)), GrantWindow::PERMANENT);
        assert_eq!(days(idle_and_fixed, silent), Some(90));
        assert_eq!(days(window(Some(5), Some(90)), silent), Some(85));
        assert_eq!(days(idle_and_fixed, window(Some(3), None)), Some(83));
        assert_eq!(days(idle_and_fixed, window(Some(30), Some(30))), Some(90));
        assert_eq!(days(idle_and_fixed, window(None, Some(2))), Some(82));
        assert_eq!(days(silent, window(None, Some(2))), Some(82));
        assert_eq!(days(silent, silent), None);
    }

    #[test]
    fn a_success_contradicts_the_window_only_when_no_clock_explains_it() {
        let refreshed = |after: Duration| Grant {
            consented_at: NOW,
            dies_at: Some(NOW + 7 * DAY),
            refreshed_at: Some(NOW + 7 * DAY + after),
            ..sample_grant()
        };
        assert!(!refreshed(DOUBT - Duration::from_secs(1)).overruns_window());
        assert!(refreshed(DOUBT).overruns_window());
        let given_up = Grant { lifecycle: Lifecycle::ConsentExpired, ..refreshed(DAY) };
        assert!(!given_up.overruns_window());
    }

    #[test]
    fn a_short_window_leaves_little_in_doubt() {
        let end = Some(NOW + Duration::from_secs(100));
        assert!(!overruns(end, NOW, NOW + Duration::from_secs(100)));
        assert!(overruns(end, NOW, NOW + Duration::from_secs(101)));
    }
}
