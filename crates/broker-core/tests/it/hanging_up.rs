//! A caller may hang up at any moment: the rotation or exchange it began goes on, and token or code are presented once.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use broker_core::testing::conformance::actor;
use broker_core::{AuthorizationProblem, AuthorizationStatus, BrokerError};

use crate::world::{World, key, profile, request, start_request};

/// Drops a call where it waits for the nth time. `true`: it ended before.
async fn ends_before<T>(nth: usize, call: impl Future<Output = T>) -> bool {
    let (mut call, mut waits) = (pin!(call), 0);
    poll_fn(|context| {
        if call.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        waits += 1;
        if waits == nth { Poll::Ready(false) } else { Poll::Pending }
    })
    .await
}

/// More than a call has.
const WAITS: usize = 8;

/// Hangs up at each wait in turn, each time on another grant. How often a call waits depends on how fast its store is,
/// so that it goes on until one was hung up on with its rotation begun, and one was not hung up on at all.
async fn hang_up_everywhere(call: impl AsyncFn(&World)) {
    let (mut went_on, mut ended) = (false, false);
    for nth in (1..=WAITS).cycle() {
        let world = World::new().await;
        let calls = world.provider.calls();
        world.pass(7200);
        let in_time = ends_before(nth, call(&world)).await;
        world.broker.drain().await;
        went_on |= !in_time && world.grant().await.generation.get() == 2;
        ended |= in_time;
        assert_eq!(world.token().await, "at-2", "hung up at wait {nth}");
        assert_eq!(world.provider.calls(), calls + 1, "hung up at wait {nth}");
        if nth == WAITS && went_on && ended {
            break;
        }
    }
}

#[tokio::test]
async fn whoever_hangs_up_on_a_vend_loses_nothing() {
    hang_up_everywhere(async |world| {
        let _ = world.broker.vend(&request()).await;
    })
    .await;
}

#[tokio::test]
async fn whoever_hangs_up_on_a_refresh_loses_nothing() {
    hang_up_everywhere(async |world| {
        let _ = world.broker.refresh_grant(&key(), None).await;
    })
    .await;
}

/// Hangs up at the first wait, at the second, and so on until a call ends before; again, until all of `wanted` was seen.
/// Each call has a world of its own, and answers whether it ended, and what it left.
async fn hang_up_at_every_wait<S: PartialEq>(wanted: &[(bool, S)], call: impl AsyncFn(usize) -> (bool, S)) {
    let mut seen = Vec::new();
    while !wanted.iter().all(|left| seen.contains(left)) {
        for nth in 1.. {
            let left = call(nth).await;
            let ended = left.0;
            seen.push(left);
            if ended {
                break;
            }
        }
    }
}

#[tokio::test]
async fn whoever_hangs_up_on_a_callback_has_the_code_exchanged_or_not_begun() {
    hang_up_at_every_wait(&[(false, 0), (false, 1), (true, 1)], async |nth| {
        let world = World::empty(profile()).await;
        let callback = world.callback(&world.start().await);
        let ended = ends_before(nth, world.broker.complete_authorization(&callback, &actor())).await;
        world.broker.drain().await;
        let presented = world.provider.calls();
        let again = world.broker.complete_authorization(&callback, &actor()).await;
        match presented {
            0 => assert_eq!(again.unwrap().generation.get(), 1, "wait {nth}: the state can still be used"),
            _ => assert!(
                matches!(again, Err(BrokerError::AuthorizationInvalid(AuthorizationProblem::AlreadyUsed))),
                "wait {nth}: {again:?}"
            ),
        }
        assert_eq!(world.token().await, "at-1", "hung up at wait {nth}");
        assert_eq!(world.provider.calls(), 1, "hung up at wait {nth}");
        (ended, presented)
    })
    .await;
}

#[tokio::test]
async fn whoever_hangs_up_on_a_refusal_has_told_it_or_can_tell_it_again() {
    let denied = AuthorizationStatus::Denied;
    hang_up_at_every_wait(&[(false, AuthorizationStatus::Pending), (true, denied.clone())], async |nth| {
        let world = World::empty(profile()).await;
        let started = world.start().await;
        let refusal = world.refusal(&started);
        let ended = ends_before(nth, world.broker.complete_authorization(&refusal, &actor())).await;
        let status = async || world.authorization(started.id).await.status;
        let left = status().await;
        assert!(world.broker.complete_authorization(&refusal, &actor()).await.is_err());
        assert_eq!((status().await, world.provider.calls()), (denied.clone(), 0), "hung up at wait {nth}");
        (ended, left)
    })
    .await;
}

#[tokio::test]
async fn whoever_hangs_up_on_a_start_can_start_again() {
    hang_up_at_every_wait(&[(false, ()), (true, ())], async |nth| {
        let world = World::empty(profile()).await;
        let ended = ends_before(nth, world.broker.start_authorization(&start_request("ada"), &actor())).await;
        assert_eq!(world.consent().await.unwrap().generation.get(), 1, "hung up at wait {nth}");
        assert_eq!(world.provider.calls(), 1, "hung up at wait {nth}");
        (ended, ())
    })
    .await;
}
