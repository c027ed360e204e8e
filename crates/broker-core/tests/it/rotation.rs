use std::sync::atomic::Ordering;
use std::time::Duration;

use broker_core::{BrokerError, ConsentCause, FailureKind, Lifecycle, Phase, ProviderProfile, RotationMode};

use crate::fakes::{Answer, fail};
use crate::world::{World, key, profile, request};

#[tokio::test]
async fn sent_comes_before_the_bytes_and_escrow_before_the_reading() {
    let world = World::new().await;
    world.broker.refresh_grant(&key(), None).await.unwrap();
    assert_eq!(world.log.taken(), ["sent", "escrow", "interpret"]);
}

#[tokio::test]
async fn a_response_that_cannot_be_escrowed_is_adopted_all_the_same() {
    let world = World::new().await;
    world.escrow.broken.store(true, Ordering::SeqCst);
    assert_eq!(world.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), 2);
}

#[tokio::test]
async fn without_room_in_escrow_nothing_is_claimed() {
    let world = World::new().await;
    world.escrow.full.store(true, Ordering::SeqCst);
    let calls = world.provider.calls();
    world.pass(7200);
    assert!(matches!(world.vend().await, Err(BrokerError::BackendUnavailable(_))));
    assert_eq!((world.provider.calls(), world.grant().await.phase), (calls, Phase::Idle));
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_stop_the_rotation() {
    let world = World::new().await;
    world.pass(7200);
    world.provider.next([Answer::RotateWhenReleased]);
    let broker = world.broker.clone();
    let call = tokio::spawn(async move { broker.vend(&request()).await });
    world.provider.reached().await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    world.provider.release();
    world.broker.drain().await;
    assert_eq!((world.grant().await.generation.get(), world.token().await.as_str()), (2, "at-2"));
}

#[tokio::test]
async fn a_response_without_a_refresh_token_keeps_the_old_one_usable() {
    let world = World::new().await;
    world.provider.next([Answer::KeepRefreshToken]);
    for generation in [2, 3] {
        assert_eq!(world.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), generation);
    }
    assert_eq!(world.provider.dead_presented(), 0);
}

#[tokio::test]
async fn the_same_access_token_again_is_success_and_no_reason_to_loop() {
    let world = World::new().await;
    world.pass(3000);
    *world.provider.life.lock().unwrap() = Some(Duration::from_secs(600));
    world.provider.next([Answer::SameAccessToken]);
    let grant = world.broker.refresh_grant(&key(), None).await.unwrap();
    assert_eq!(grant.last_failure, None);
    assert_eq!(grant.due_at, Some(grant.expires_at), "no earlier: the provider has no other before");
}

/// A provider that rounds down says 0 in a token's last second; read as "no life named" the token would be served for an
/// hour after its end.
#[tokio::test]
async fn the_same_access_token_in_its_last_second_is_not_taken_for_a_long_lived_one() {
    let world = World::new().await;
    let ends = world.grant().await.expires_at;
    world.pass(3600);
    *world.provider.life.lock().unwrap() = Some(Duration::ZERO);
    world.provider.next([Answer::SameAccessToken]);
    let grant = world.broker.refresh_grant(&key(), None).await.unwrap();
    assert_eq!((grant.expires_at, grant.last_failure), (ends, None));
    assert_eq!(grant.due_at, Some(ends + Duration::from_secs(5)), "asked for again, and not at once");
}

/// To others 0 is no end at all.
#[tokio::test]
async fn a_life_of_zero_elsewhere_is_a_life_that_is_not_named() {
    let world = World::new().await;
    *world.provider.life.lock().unwrap() = Some(Duration::ZERO);
    for answer in [Answer::Rotate, Answer::SameAccessToken] {
        world.pass(60);
        world.provider.next([answer]);
        let grant = world.broker.refresh_grant(&key(), None).await.unwrap();
        assert_eq!(grant.expires_at.since(grant.refreshed_at.unwrap()), profile().access_token_lifetime);
    }
}

#[tokio::test]
async fn a_revoked_token_is_confirmed_before_the_user_is_asked() {
    let world = World::new().await;
    world.provider.next([fail(FailureKind::DeadToken), fail(FailureKind::DeadToken)]);
    world.pass(7200);
    assert!(matches!(world.vend().await, Err(BrokerError::RefreshInProgress(wait)) if wait.as_secs() == 60));
    world.pass(60);
    assert!(matches!(world.vend().await, Err(BrokerError::ConsentRequired(ConsentCause::Revoked))));
    let calls = world.provider.calls();
    world.pass(86_400);
    assert!(world.vend().await.is_err());
    assert_eq!(world.provider.calls(), calls, "a grant that needs consent is left alone");
}

#[tokio::test]
async fn a_passing_refusal_costs_nothing() {
    let world = World::new().await;
    world.provider.next([fail(FailureKind::DeadToken)]);
    world.pass(7200);
    assert!(world.vend().await.is_err());
    world.pass(60);
    assert_eq!(world.token().await, "at-2");
    assert_eq!((world.grant().await.phase, world.grant().await.last_failure), (Phase::Idle, None));
}

#[tokio::test]
async fn a_lost_rotation_is_probed_once_orphans_are_gone_and_named_when_lost() {
    let world = World::new().await;
    world.provider.next([Answer::RotateAndLose]);
    world.pass(7200);
    assert!(
        matches!(world.vend().await, Err(BrokerError::ProviderUnavailable(wait)) if wait.as_secs() == 120)
    );
    let grant = world.grant().await;
    assert_eq!((grant.phase, grant.tainted), (Phase::Uncertain, true));
    world.pass(119);
    let calls = world.provider.calls();
    assert!(world.vend().await.is_err());
    assert_eq!(world.provider.calls(), calls, "no probe before the orphan wait");
    world.pass(1);
    assert!(matches!(world.vend().await, Err(BrokerError::ConsentRequired(ConsentCause::LostRotation))));
}

#[tokio::test]
async fn an_operator_cannot_refresh_what_is_undecided_before_its_time() {
    for (kind, wait) in [(FailureKind::Uncertain, 120), (FailureKind::DeadToken, 60)] {
        let world = World::new().await;
        world.provider.next([fail(kind)]);
        assert!(world.broker.refresh_grant(&key(), None).await.is_err());
        let (calls, before) = (world.provider.calls(), world.grant().await);
        world.pass(wait - 1);
        assert!(world.broker.refresh_grant(&key(), None).await.is_err());
        let after = world.grant().await;
        assert_eq!(world.provider.calls(), calls, "{kind:?}");
        assert_eq!(
            (after.phase, after.due_at, after.last_failure),
            (before.phase, before.due_at, before.last_failure)
        );
        world.pass(1);
        assert_eq!(world.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), 2);
    }
}

#[tokio::test]
async fn a_probe_that_succeeds_clears_the_taint() {
    let world = World::new().await;
    world.provider.next([fail(FailureKind::Uncertain)]);
    world.pass(7200);
    assert!(world.vend().await.is_err());
    world.pass(120);
    assert_eq!(world.token().await, "at-2");
    assert_eq!((world.grant().await.tainted, world.provider.dead_presented()), (false, 0));
}

#[tokio::test]
async fn a_reusable_token_is_simply_presented_again() {
    let world = World::with(ProviderProfile { rotation: RotationMode::Reusable, ..profile() }).await;
    world.provider.next([fail(FailureKind::Uncertain)]);
    world.pass(7200);
    assert!(world.vend().await.is_err());
    assert!(!world.grant().await.tainted);
    world.pass(5);
    assert_eq!(world.token().await, "at-2");
}

#[tokio::test]
async fn an_unreachable_provider_burns_nothing() {
    let world = World::new().await;
    world.provider.next([Answer::Unreachable]);
    world.pass(7200);
    assert!(matches!(world.vend().await, Err(BrokerError::ProviderUnavailable(_))));
    assert_eq!((world.grant().await.tainted, world.grant().await.lifecycle), (false, Lifecycle::Active));
    world.pass(5);
    assert_eq!(world.token().await, "at-2");
}

#[tokio::test]
async fn a_rejected_client_is_the_registrations_fault() {
    let world = World::new().await;
    world.provider.next([fail(FailureKind::ClientRejected)]);
    world.pass(7200);
    let refused = world.vend().await;
    assert!(matches!(refused, Err(BrokerError::ClientRegistrationRejected(_))), "{refused:?}");
    assert_eq!(world.grant().await.lifecycle, Lifecycle::Active);
    let calls = world.provider.calls();
    let resting = world.broker.refresh_grant(&key(), None).await;
    assert!(matches!(resting, Err(BrokerError::ClientRegistrationRejected(_))), "{resting:?}");
    assert_eq!(world.provider.calls(), calls, "the registration rests");
    world.pass(60);
    assert_eq!(world.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), 2);
}

#[tokio::test]
async fn the_end_of_a_window_is_told_apart_from_a_revocation() {
    let week = Some(Duration::from_secs(7 * 86_400));
    let world = World::with(ProviderProfile { authorization_expires_in: week, ..profile() }).await;
    world.provider.next([fail(FailureKind::DeadToken)]);
    world.pass(8 * 86_400);
    let refused = world.vend().await;
    assert!(matches!(refused, Err(BrokerError::GrantExpired { ended_at: Some(_), .. })), "{refused:?}");
}

#[tokio::test]
async fn past_a_window_the_provider_has_the_last_word() {
    let week = Some(Duration::from_secs(7 * 86_400));
    let world = World::with(ProviderProfile { authorization_expires_in: week, ..profile() }).await;
    world.pass(8 * 86_400);
    assert_eq!(world.token().await, "at-2");
}

#[tokio::test]
async fn a_refresh_token_is_kept_alive_however_long_the_access_token_lives() {
    let idle = Some(Duration::from_secs(30 * 86_400));
    let world = World::empty(ProviderProfile { refresh_token_timeout: idle, ..profile() }).await;
    *world.provider.life.lock().unwrap() = Some(Duration::from_secs(3650 * 86_400));
    let grant = world.consent().await.unwrap();
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let due = grant.due_at.unwrap().since(grant.issued_at);
    assert!(due >= days(8) && due <= days(10), "a third of the idle life, or a little earlier: {due:?}");
}

#[tokio::test]
async fn a_store_that_refuses_sent_is_not_the_providers_fault() {
    let world = World::new().await;
    world.flaky.refuse_sent.store(true, Ordering::SeqCst);
    world.pass(7200);
    assert!(matches!(world.vend().await, Err(BrokerError::BackendUnavailable(_))));
    assert_eq!(world.grant().await.last_failure, None);
}
