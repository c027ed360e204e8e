//! When a token set is due for refresh.

use std::time::Duration;

use super::end::GrantEnd;
use super::warmth::{IdleLife, is_cold, rest_until};
use crate::{ProviderProfile, Timestamp};

/// What of a token set decides when it is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When its access token expires.
    pub expires_at: Timestamp,
    /// When the user consented.
    pub consented_at: Timestamp,
    /// When the grant dies whatever is done.
    pub dies_at: Option<Timestamp>,
    /// How long its refresh token lives that nobody uses.
    pub idle: IdleLife,
    /// The provider repeated the access token held: it gives no other before that expires.
    pub same_access_token: bool,
}

/// A provider that repeats the access token it gave before is left alone at least so long.
const REPEATED: Duration = Duration::from_secs(5);

/// The configured times that decide when a token set is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRules {
    /// The most one attempt may take.
    pub attempt_budget: Duration,
    /// A grant nobody asked for in this time is rotated only to keep it alive.
    pub warm_for: Duration,
}

/// When a token set is to be looked at next.
///
/// `wanted_at` is when the grant was last asked for, or consented to where that is later. `draw` in [0, 1), see
/// [`super::pace`]. A cold grant gets its keep-alive time, which no token's expiry brings nearer. Every grant is looked
/// at when it is to die, to find out whether it has.
pub fn next_due(
    profile: &ProviderProfile,
    issue: &Issue,
    wanted_at: Timestamp,
    now: Timestamp,
    rules: DueRules,
    draw: f64,
) -> Timestamp {
    let trial = GrantEnd::next_trial(issue.dies_at, issue.consented_at, now);
    let idle = match issue.idle {
        // It has outlived its window, so nobody knows how long it lives.
        IdleLife::Endless if trial.is_none() => IdleLife::Unknown,
        idle => idle,
    };
    let rest = rest_until(idle, issue.issued_at, trial, draw);
    if is_cold(wanted_at, now, rules.warm_for) {
        return rest;
    }
    let token_due = match issue.same_access_token {
        true => issue.expires_at.max(now + REPEATED),
        false => refresh_due(profile, issue.issued_at, issue.expires_at, draw, rules.attempt_budget),
    };
    let token_due = trial.map_or(token_due, |trial| token_due.min(trial));
    // A refresh token that is left alone dies of it, however long the access token lives. Only a life that is known
    // hurries a warm grant.
    match idle {
        IdleLife::Known(_) => token_due.min(rest),
        IdleLife::Unknown | IdleLife::Endless => token_due,
    }
}

/// When a token set that is in use should be refreshed.
///
/// `draw` in [0, 1) spreads grants of one wave apart. `attempt_budget` is the time one attempt may take. Never before
/// half the token's life, never so late that no attempt fits.
pub fn refresh_due(
    profile: &ProviderProfile,
    issued: Timestamp,
    expires: Timestamp,
    draw: f64,
    attempt_budget: Duration,
) -> Timestamp {
    let life = expires.since(issued);
    let (from, to, reserve) = match profile.old_access_token_dies_on_refresh {
        true => (0.85, 0.95, attempt_budget),
        false => (0.60, 0.80, (2 * attempt_budget).min(life / 4)),
    };
    let drawn = issued + life.mul_f64(from + (to - from) * draw.clamp(0.0, 1.0));
    drawn.min(expires - reserve).max(issued + life / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ReusePolicy, RotationMode};

    const DAY: Duration = Duration::from_secs(86_400);
    const RULES: DueRules = DueRules { attempt_budget: Duration::from_secs(33), warm_for: DAY };

    fn profile(dies: bool) -> ProviderProfile {
        ProviderProfile {
            rotation: RotationMode::SingleUse(ReusePolicy::Unknown),
            old_access_token_dies_on_refresh: dies,
            access_token_lifetime: Duration::from_secs(3600),
            refresh_token_timeout: None,
            authorization_expires_in: None,
            default_scopes: vec![],
            revocation: Some(crate::RevokedTokens::RefreshToken),
            revocation_reaches: crate::RevocationReach::Token,
            consent_replaces: crate::ConsentReplaces::Unknown,
            callback_issuer: None,
            api_key_headers: None,
            client_credentials: false,
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_700_000_000) + Duration::from_secs(seconds)
    }

    fn issue(life: u64, idle: Option<Duration>) -> Issue {
        Issue {
            issued_at: at(0),
            expires_at: at(life),
            consented_at: at(0),
            dies_at: idle.map(|idle| at(0) + idle),
            idle: idle.map_or(IdleLife::Unknown, IdleLife::Known),
            same_access_token: false,
        }
    }

    proptest! {
        #[test]
        fn due_lies_between_half_life_and_expiry(
            dies: bool, life in 1u64..40_000_000, draw in 0.0..1.0f64, budget in 0u64..120
        ) {
            let due = refresh_due(&profile(dies), at(0), at(life), draw, Duration::from_secs(budget));
            prop_assert!(due >= at(0) + Duration::from_secs(life) / 2);
            prop_assert!(due < at(life));
        }

        #[test]
        fn no_grant_is_left_to_die_of_idleness(
            life in 1u64..40_000_000, idle in 10u64..40_000_000, draw in 0.0..1.0f64, asked in 0u64..10_000_000
        ) {
            let idle = Duration::from_secs(idle);
            let due = next_due(&profile(false), &issue(life, Some(idle)), at(0), at(asked), RULES, draw);
            prop_assert!(due > at(0) && due <= at(0) + idle / 3);
        }

        #[test]
        fn a_warm_grant_is_due_as_its_token_is(life in 1u64..40_000_000, draw in 0.0..1.0f64) {
            let due = next_due(&profile(false), &issue(life, None), at(0), at(86_400), RULES, draw);
            prop_assert_eq!(due, refresh_due(&profile(false), at(0), at(life), draw, RULES.attempt_budget));
        }
    }

    #[test]
    fn an_hour_is_refreshed_between_36_and_48_minutes() {
        let due = |dies, draw| {
            refresh_due(&profile(dies), at(0), at(3600), draw, RULES.attempt_budget).since(at(0)).as_secs()
        };
        assert_eq!((due(false, 0.0), due(false, 1.0)), (2160, 2880));
        assert_eq!((due(true, 0.0), due(true, 1.0)), (3060, 3420));
    }

    #[test]
    fn a_cold_grant_waits_for_a_third_of_its_refresh_tokens_idle_life() {
        let cold = at(86_400 + 2 * 3600);
        let due = |draw| next_due(&profile(false), &issue(3600, Some(30 * DAY)), at(0), cold, RULES, draw);
        assert_eq!((due(0.0), due(1.0)), (at(8 * 86_400), at(10 * 86_400)));
    }

    #[test]
    fn a_repeated_access_token_is_not_asked_for_again_before_it_expires() {
        let repeated = Issue { same_access_token: true, ..issue(3600, None) };
        assert_eq!(next_due(&profile(false), &repeated, at(0), at(0), RULES, 0.5), at(3600));
    }

    #[test]
    fn what_outlived_its_window_is_tried_once_more_and_then_goes_on_at_its_own_pace() {
        let window = Issue { dies_at: Some(at(7 * 86_400)), idle: IdleLife::Endless, ..issue(900, None) };
        let issued_at =
            |seconds| Issue { issued_at: at(seconds), expires_at: at(seconds + 900), ..window.clone() };
        let due = |seconds, wanted| {
            let due = next_due(&profile(false), &issued_at(seconds), at(wanted), at(seconds), RULES, 1.0);
            due.since(at(seconds)).as_secs()
        };
        let end = 7 * 86_400;
        assert_eq!(due(end - 60, end - 60), 60, "not before the end, and not long after it");
        assert_eq!(due(end, end), 600, "and again when no clock explains a success any more");
        assert_eq!(due(end + 600, end + 600), 720, "a token's pace");
        assert_eq!(due(end - 60, 0), 60);
        assert_eq!(due(end + 600, 0), 7 * 86_400, "nobody asks for it: kept alive, and no more");
    }

    #[test]
    fn a_repeated_token_about_to_expire_is_not_asked_for_at_once() {
        let repeated = Issue { same_access_token: true, ..issue(0, None) };
        assert_eq!(next_due(&profile(false), &repeated, at(0), at(0), RULES, 0.5), at(5));
    }
}
