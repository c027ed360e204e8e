//! Grants nobody asks for: rotated only as often as they must be to stay alive.

use std::time::Duration;

use super::DueRules;
use crate::ports::DueGrant;
use crate::{ProviderProfile, Timestamp};

/// How often a refresh token of unknown idle life is used, at the least.
const KEEP_ALIVE_UNKNOWN: Duration = Duration::from_secs(7 * 86_400);

/// How long a grant rests that nothing but a caller can wake.
const REST: Duration = Duration::from_secs(365 * 86_400);

/// A keep-alive comes at this part of its span at the earliest; the rest spreads grants of one wave apart.
const EARLIEST: f64 = 0.8;

/// Callers are noted so many times in `warm_for`.
const NOTES_PER_WARM_TIME: u32 = 24;

/// How long a refresh token lives that nobody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleLife {
    /// So long.
    Known(Duration),
    /// It does not die of idleness.
    Endless,
    /// Nobody says.
    Unknown,
}

impl IdleLife {
    /// What is known of it. Where only the authorization has an end, idleness does not end it earlier; where nothing has
    /// an end, that may be ignorance.
    pub fn of(refresh_token_timeout: Option<Duration>, dies_at: Option<Timestamp>) -> Self {
        match (refresh_token_timeout, dies_at) {
            (Some(idle), _) => Self::Known(idle),
            (None, Some(_)) => Self::Endless,
            (None, None) => Self::Unknown,
        }
    }

    /// After how long a refresh token that is left alone is used all the same.
    fn keep_alive(self) -> Option<Duration> {
        match self {
            Self::Known(idle) => Some(idle / 3),
            Self::Unknown => Some(KEEP_ALIVE_UNKNOWN),
            Self::Endless => None,
        }
    }
}

/// How often it is noted that a grant was asked for. Notes lag behind callers by so much.
pub(crate) fn note_every(warm_for: Duration) -> Duration {
    warm_for / NOTES_PER_WARM_TIME
}

/// Whether nobody has asked for the grant for so long that it is rotated only to keep it alive.
pub fn is_cold(wanted_at: Timestamp, now: Timestamp, warm_for: Duration) -> bool {
    now.since(wanted_at) > warm_for.saturating_add(note_every(warm_for))
}

/// What a due grant needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A rotation.
    Rotate,
    /// Nothing before this time: nobody asks for it, and it stays alive without.
    RestUntil(Timestamp),
}

/// Decides what a due grant needs now.
///
/// One that was never asked for is rotated: whether its consent was lately is known when its answer is adopted.
pub fn look_at(
    due: &DueGrant,
    profile: &ProviderProfile,
    now: Timestamp,
    rules: DueRules,
    draw: f64,
) -> Look {
    let cold = due.asked_at.is_some_and(|asked| is_cold(asked, now, rules.warm_for));
    let ended = due.dies_at.is_some_and(|dies_at| dies_at <= now);
    if due.undecided || !cold || ended {
        return Look::Rotate;
    }
    let idle = IdleLife::of(due.refresh_token_timeout, due.dies_at);
    let issued = issued_by(due, profile, idle);
    match rest_until(idle, issued, due.dies_at, 0.0) {
        earliest if earliest <= now => Look::Rotate,
        _ => Look::RestUntil(rest_until(idle, issued, due.dies_at, draw)),
    }
}

/// When a cold grant is looked at next: for its keep-alive, or at its end, to find out that it has come.
pub(super) fn rest_until(
    idle: IdleLife,
    issued: Timestamp,
    trial: Option<Timestamp>,
    draw: f64,
) -> Timestamp {
    let part = EARLIEST + (1.0 - EARLIEST) * draw.clamp(0.0, 1.0);
    let keep_alive = idle.keep_alive().map(|span| issued + span.mul_f64(part));
    keep_alive.into_iter().chain(trial).min().unwrap_or(issued + REST)
}

/// A time by which the token set was issued, never later than the truth by more than the profile's own error.
fn issued_by(due: &DueGrant, profile: &ProviderProfile, idle: IdleLife) -> Timestamp {
    match (idle, due.dies_at) {
        (IdleLife::Known(idle), Some(dies_at)) => dies_at - idle,
        _ => due.expires_at - profile.access_token_lifetime,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schedule::GrantEnd;
    use crate::{
        AccountLabel, Generation, GrantKey, GrantWindow, ProviderName, RegistrationId, ReusePolicy,
        RotationMode, TenantId, UserId,
    };

    const DAY: Duration = Duration::from_secs(86_400);
    const HOUR: Duration = Duration::from_secs(3600);
    const RULES: DueRules = DueRules { attempt_budget: Duration::from_secs(33), warm_for: DAY };
    const ISSUED: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn profile(idle: Option<Duration>, absolute: Option<Duration>) -> ProviderProfile {
        ProviderProfile {
            rotation: RotationMode::SingleUse(ReusePolicy::Unknown),
            old_access_token_dies_on_refresh: false,
            access_token_lifetime: HOUR,
            refresh_token_timeout: idle,
            authorization_expires_in: absolute,
            default_scopes: vec![],
            revocation: Some(crate::RevokedTokens::RefreshToken),
            revocation_reaches: crate::RevocationReach::Token,
            consent_replaces: crate::ConsentReplaces::Unknown,
            callback_issuer: None,
            api_key_headers: None,
            client_credentials: false,
        }
    }

    /// Issued at [`ISSUED`] for an hour, due after 42 minutes, last asked for so long before that.
    fn due(profile: &ProviderProfile, unasked: Duration) -> DueGrant {
        let due_at = ISSUED + HOUR.mul_f64(0.7);
        let end = GrantEnd::of(GrantWindow::of(profile), GrantWindow::PERMANENT, ISSUED, ISSUED);
        DueGrant {
            key: GrantKey {
                tenant: TenantId::new("acme").unwrap(),
                provider: ProviderName::new("p").unwrap(),
                user: UserId::new("ada").unwrap(),
                account: AccountLabel::default_label(),
            },
            generation: Generation::new(1),
            due_at,
            undecided: false,
            registration: RegistrationId::new("main").unwrap(),
            expires_at: ISSUED + HOUR,
            dies_at: end.dies_at,
            refresh_token_timeout: end.refresh_token_timeout,
            asked_at: Some(due_at - unasked),
        }
    }

    fn look(profile: &ProviderProfile, grant: &DueGrant, now: Timestamp) -> Look {
        look_at(grant, profile, now, RULES, 1.0)
    }

    #[test]
    fn a_grant_asked_for_within_a_day_is_rotated_and_one_that_was_not_rests() {
        let profile = profile(Some(30 * DAY), None);
        let (warm, cold) = (due(&profile, 24 * HOUR), due(&profile, 26 * HOUR));
        assert_eq!(look(&profile, &warm, warm.due_at), Look::Rotate);
        assert_eq!(look(&profile, &cold, cold.due_at), Look::RestUntil(ISSUED + 10 * DAY));
    }

    #[test]
    fn a_cold_grant_is_rotated_at_its_keep_alive_time_and_when_in_doubt() {
        let profile = profile(Some(30 * DAY), None);
        let cold = due(&profile, 26 * HOUR);
        assert_eq!(look(&profile, &cold, ISSUED + 8 * DAY), Look::Rotate);
        let undecided = DueGrant { undecided: true, ..cold };
        assert_eq!(look(&profile, &undecided, undecided.due_at), Look::Rotate);
    }

    #[test]
    fn a_fixed_window_is_looked_at_when_it_ends_and_an_unknown_idle_life_is_kept_alive() {
        let (fixed, unknown) = (profile(None, Some(7 * DAY)), profile(None, None));
        let (in_window, without) = (due(&fixed, 26 * HOUR), due(&unknown, 26 * HOUR));
        assert_eq!(look(&fixed, &in_window, in_window.due_at), Look::RestUntil(ISSUED + 7 * DAY));
        assert_eq!(look(&fixed, &in_window, ISSUED + 7 * DAY), Look::Rotate);
        assert_eq!(look(&unknown, &without, without.due_at), Look::RestUntil(ISSUED + 7 * DAY));
    }

    #[test]
    fn what_was_never_asked_for_is_rotated_once() {
        let profile = profile(None, None);
        let never = DueGrant { asked_at: None, ..due(&profile, HOUR) };
        assert_eq!(look(&profile, &never, never.due_at), Look::Rotate);
    }

    proptest! {
        #[test]
        fn no_rest_outlasts_what_keeps_the_grant_alive(
            idle in proptest::option::of(1u64..400), absolute in proptest::option::of(1u64..400),
            after in 0u64..40_000_000, draw in 0.0..1.0f64
        ) {
            let days = |n: u64| DAY * u32::try_from(n).unwrap();
            let profile = profile(idle.map(days), absolute.map(days));
            let grant = due(&profile, 26 * HOUR);
            let now = grant.due_at + Duration::from_secs(after);
            if let Look::RestUntil(until) = look_at(&grant, &profile, now, RULES, draw) {
                prop_assert!(until > now);
                prop_assert!(grant.dies_at.is_none_or(|dies| until <= dies));
                if let Some(idle) = idle { prop_assert!(until <= ISSUED + days(idle) / 3); }
            }
        }
    }
}
