use broker_core::ports::{FleetStore as _, TenantStore as _};
use broker_core::testing::conformance::record;
use broker_core::{FailureKind, GrantKey, Phase, RegisteredSecret, UserId};

use super::main;
use crate::fakes::fail;
use crate::world::{World, key};

#[tokio::test]
async fn a_refused_secret_is_followed_by_the_next_one_under_an_attempt_of_its_own() {
    let world = World::with_two_secrets().await;
    world.provider.accept(&["second"]);
    let generation = world.broker.refresh_grant(&key(), None).await.unwrap().generation.get();
    assert_eq!((generation, world.provider.shown()), (2, vec!["secret".to_owned(), "second".to_owned()]));
    let each = ["sent", "escrow", "interpret"];
    assert_eq!(world.log.taken(), each.repeat(2), "each goes through the whole protocol");
    assert_eq!((world.grant().await.phase, world.grant().await.last_failure), (Phase::Idle, None));
    assert!(!world.registration().await.rejected);
    world.nothing_is_burnt().await;
}

#[tokio::test]
async fn what_was_accepted_is_tried_first_by_everybody() {
    let world = World::with_two_secrets().await;
    world.provider.accept(&["second"]);
    assert!(world.refreshes().await);
    assert!(world.refreshes().await);
    assert_eq!(world.provider.shown(), ["secret", "second", "second"]);
    world.consent_of(&GrantKey { user: UserId::new("bob").unwrap(), ..key() }).await;
    assert_eq!((world.provider.shown(), world.order().await), (vec!["second".to_owned()], vec![2, 1]));
}

#[tokio::test]
async fn an_acceptance_is_noted_once_a_minute() {
    let world = World::new().await;
    let noted = async || world.registration().await.secrets[0].last_accepted_at.unwrap();
    let first = noted().await;
    for (seconds, late) in [(59, false), (1, true)] {
        world.pass(seconds);
        assert!(world.refreshes().await);
        assert_eq!(noted().await > first, late);
    }
}

#[tokio::test]
async fn when_all_are_refused_the_registration_rests_and_one_canary_tries_them_all() {
    let world = World::with_two_secrets().await;
    world.provider.accept(&[]);
    assert!(!world.refreshes().await);
    assert_eq!(world.provider.shown(), ["secret", "second"]);
    assert!(world.registration().await.rejected);
    world.pass(59);
    assert!(!world.refreshes().await);
    assert_eq!(world.provider.shown(), [""; 0], "it rests");
    world.pass(1);
    assert!(!world.refreshes().await);
    assert_eq!(world.provider.shown(), ["secret", "second"], "one canary, and both secrets");
    world.nothing_is_burnt().await;

    world.provider.accept(&["second"]);
    world.pass(60);
    assert!(world.refreshes().await);
    assert!(!world.registration().await.rejected);
}

#[tokio::test]
async fn a_preferred_secret_is_tried_first() {
    let world = World::with_two_secrets().await;
    world.add("third", true).await;
    assert!(world.refreshes().await);
    assert_eq!((world.provider.shown(), world.order().await), (vec!["third".to_owned()], vec![3, 1, 2]));
}

#[tokio::test]
async fn a_bare_refusal_tries_no_other_secret_until_it_counts_as_the_clients() {
    let world = World::with_two_secrets().await;
    world.provider.next([fail(FailureKind::UnlabelledRefusal), fail(FailureKind::UnlabelledRefusal)]);
    assert!(!world.refreshes().await);
    assert_eq!(world.provider.shown(), ["secret"]);
    world.pass(300);
    assert!(world.refreshes().await);
    assert_eq!(world.provider.shown(), ["secret", "second"]);
}

#[tokio::test]
async fn news_of_a_rejection_are_told_by_one_of_two_replicas() {
    let mut world = World::with_two_secrets().await;
    let first = world.broker.clone();
    let second = world.join_as(2);
    second.recover().await.unwrap();
    world.provider.accept(&[]);
    assert!(!world.refreshes().await);
    for replica in [&first, &second] {
        replica.beat().await;
        let standing = replica.rejected_registrations();
        assert_eq!(standing.len(), 1, "both know how many there are");
        assert_eq!((standing[0].0.as_str(), standing[0].1), ("p", 1));
    }
    world.provider.accept(&["secret"]);
    world.pass(60);
    assert!(world.refreshes().await);
    for replica in [&first, &second] {
        replica.beat().await;
        assert_eq!(replica.rejected_registrations(), []);
    }
    assert!(world.store().open_breakers().await.unwrap().is_empty(), "the provider is not ill");
}

#[tokio::test]
async fn two_secrets_that_change_places_do_not_open() {
    let world = World::with_two_secrets().await;
    let held = world.registration().await;
    let at = |place: usize, of: usize| RegisteredSecret {
        sealed: held.secrets[of].sealed.clone(),
        ..held.secrets[place].clone()
    };
    let swapped = broker_core::ClientRegistration { secrets: vec![at(0, 1), at(1, 0)], ..held.clone() };
    let (store, calls) = (world.store(), world.provider.calls());
    // What somebody who writes to the database can do.
    world.provider.next([fail(FailureKind::DeadToken), fail(FailureKind::DeadToken)]);
    assert!(!world.refreshes().await);
    world.pass(60);
    assert!(!world.refreshes().await, "the grant is given up, so that the registration can be made anew");
    store.delete_registration(&main(), None, held.created_at, &record()).await.unwrap();
    store.create_registration(&swapped, None, &record()).await.unwrap();
    let tested = world.broker.test_registration(&main(), None).await.unwrap_err();
    assert!(matches!(tested, broker_core::BrokerError::Internal(_)), "{tested:?}");
    assert_eq!(world.provider.calls(), calls + 2, "nothing was shown to the provider");
}
