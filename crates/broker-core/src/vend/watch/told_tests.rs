use super::super::super::test_grant::{NOW, grant};
use super::*;
use crate::ConsentCause;

const FRESH: Option<Option<StaleReason>> = Some(None);
const DYING: Option<Option<StaleReason>> = Some(Some(StaleReason::RotationUncertain));

fn at(generation: u64) -> Grant {
    Grant { generation: Generation::new(generation), ..grant() }
}

fn is(lifecycle: Lifecycle) -> Grant {
    Grant { lifecycle, ..grant() }
}

fn tell(told: &mut Told, grant: &Grant, token: Option<Option<StaleReason>>, seconds: u64) -> Vec<Tell> {
    told.tell(&Now { grant, token, at: NOW + Duration::from_secs(seconds) })
}

fn knowing(generation: u64) -> Told {
    Told::knowing(Some(Generation::new(generation)))
}

fn dead(generation: u64, cause: InvalidationCause) -> Tell {
    Tell::Invalidation(Generation::new(generation), cause)
}

/// One who was told generation 5.
fn told_five() -> Told {
    let mut told = Told::default();
    assert_eq!(tell(&mut told, &grant(), FRESH, 0), [Tell::Token]);
    told
}

#[test]
fn the_first_thing_told_is_how_the_grant_stands() {
    use InvalidationCause::{Expired, Revoked};
    let revoked = is(Lifecycle::Revoked);
    for (mut told, grant, token, expected) in [
        (Told::default(), grant(), FRESH, vec![Tell::Token]),
        (knowing(4), grant(), FRESH, vec![Tell::Token]),
        (knowing(5), grant(), FRESH, vec![Tell::State]),
        (knowing(9), grant(), FRESH, vec![Tell::Token]),
        (Told::default(), revoked.clone(), None, vec![Tell::State]),
        (knowing(5), revoked, None, vec![dead(5, Revoked), Tell::State]),
        (Told::default(), grant(), None, vec![Tell::State]),
        (knowing(4), Grant { expires_at: NOW, ..grant() }, None, vec![dead(5, Expired), Tell::State]),
        (Told::default(), grant(), DYING, vec![Tell::State]),
        (knowing(5), grant(), DYING, vec![dead(5, InvalidationCause::Rotating), Tell::State]),
    ] {
        let before = format!("{told:?} {token:?}");
        assert_eq!(tell(&mut told, &grant, token, 0), expected, "{before}");
        assert_eq!(tell(&mut told, &grant, token, 0), [], "once: {before}");
    }
}

#[test]
fn a_new_token_is_told_and_an_older_look_is_not() {
    let mut told = told_five();
    assert_eq!(tell(&mut told, &at(6), FRESH, 0), [Tell::Token]);
    assert_eq!(tell(&mut told, &at(5), FRESH, 0), []);
    assert_eq!(tell(&mut told, &at(5), None, 0), []);
    assert_eq!(tell(&mut told, &at(8), FRESH, 0), [Tell::Token], "those between are passed over");
}

#[test]
fn a_token_that_a_refresh_may_kill_is_held_back_and_comes_again_if_it_lives_on() {
    let mut told = told_five();
    assert_eq!(tell(&mut told, &grant(), DYING, 0), [dead(5, InvalidationCause::Rotating)]);
    assert!(told.holds_back(NOW));
    assert_eq!(tell(&mut told, &grant(), DYING, 9), []);
    assert_eq!(tell(&mut told, &grant(), FRESH, 9), [Tell::Token], "the refresh failed");

    assert_eq!(tell(&mut told, &grant(), DYING, 20), [dead(5, InvalidationCause::Rotating)]);
    assert_eq!(tell(&mut told, &grant(), DYING, 30), [Tell::Token], "held back long enough");
    assert_eq!(tell(&mut told, &grant(), DYING, 40), []);
    assert_eq!(tell(&mut told, &at(6), FRESH, 41), [Tell::Token]);
}

#[test]
fn a_revocation_ends_the_token_and_a_new_consent_brings_another() {
    let mut told = told_five();
    let revoking = is(Lifecycle::Revoking);
    assert_eq!(tell(&mut told, &revoking, None, 0), [dead(5, InvalidationCause::Revoked), Tell::State]);
    assert_eq!(tell(&mut told, &is(Lifecycle::Revoked), None, 1), [Tell::State]);
    assert_eq!(tell(&mut told, &at(6), FRESH, 2), [Tell::Token]);
}

#[test]
fn a_grant_that_needs_consent_says_so_and_its_token_lives_until_it_expires() {
    let mut told = told_five();
    let needy = is(Lifecycle::NeedsConsent(ConsentCause::Revoked));
    let stale = Some(Some(StaleReason::ConsentRequired));
    assert_eq!(tell(&mut told, &needy, stale, 0), [Tell::State]);
    assert_eq!(tell(&mut told, &needy, None, 3600), [dead(5, InvalidationCause::Expired)]);
}

#[test]
fn a_token_that_dies_with_its_consent_is_told_as_rejected() {
    let needy = is(Lifecycle::NeedsConsent(ConsentCause::LostRotation));
    let expected = [dead(5, InvalidationCause::Rejected), Tell::State];
    assert_eq!(tell(&mut told_five(), &needy, None, 0), expected);
}

#[test]
fn a_token_that_expired_comes_again_only_as_a_newer_one() {
    let mut told = told_five();
    assert_eq!(tell(&mut told, &grant(), None, 3600), [dead(5, InvalidationCause::Expired)]);
    assert_eq!(tell(&mut told, &grant(), None, 3605), []);
    assert_eq!(tell(&mut told, &at(6), FRESH, 3610), [Tell::Token]);
}
