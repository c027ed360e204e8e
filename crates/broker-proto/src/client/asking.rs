//! When a newer token is asked for.

use std::time::{Duration, SystemTime};

use super::options::Options;
use super::token::Token;

/// When a token without a hint is asked for again.
const WITHOUT_HINT: Duration = Duration::from_secs(60);

/// When a token newer than this one is asked for; `None` is never.
///
/// That is when the broker hinted, but not so late that it would not live for `min_validity` any more. One that does not even now is
/// asked for after half of what is left: it was the best there was, so asking all the time brings nothing.
pub(super) fn ask_at(told: &Token, now: SystemTime, options: &Options) -> Option<SystemTime> {
    let hint = told.refresh_hint_at().unwrap_or(now + WITHOUT_HINT);
    let left = told.left(now).unwrap_or_default();
    let worn_at = now.checked_add(left - options.min_validity.min(left / 2));
    let soonest = now.checked_add(options.first_retry)?;
    Some(worn_at.map_or(hint, |worn_at| worn_at.min(hint)).max(soonest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{GetAccessTokenResponse, GrantKey};

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn after(seconds: u64) -> SystemTime {
        NOW + Duration::from_secs(seconds)
    }

    fn token(left: Option<u64>, hint: Option<u64>) -> Token {
        let [expire_time, refresh_hint_time] = [left, hint].map(|time| time.map(|time| after(time).into()));
        let answer = GetAccessTokenResponse { expire_time, refresh_hint_time, ..Default::default() };
        Token::read(&GrantKey::default(), answer).unwrap()
    }

    #[test]
    fn it_is_asked_for_at_the_hint_and_in_time_for_the_least_validity() {
        for (left, hint, asked) in [
            (Some(600), Some(300), 300),
            (Some(600), Some(600), 540),
            (Some(100), Some(100), 50),
            (Some(40), Some(40), 20),
            (Some(40), Some(5), 5),
            (Some(1), Some(1), 1),
            (Some(0), Some(0), 1),
            (None, None, 60),
        ] {
            let at = ask_at(&token(left, hint), NOW, &Options::default());
            assert_eq!(at, Some(after(asked)), "{left:?} {hint:?}");
        }
    }

    #[test]
    fn who_never_retries_never_asks() {
        let options = Options { first_retry: Duration::MAX, ..Options::default() };
        assert_eq!(ask_at(&token(Some(600), Some(300)), NOW, &options), None);
    }
}
