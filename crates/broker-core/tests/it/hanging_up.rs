//! A caller may hang up at any moment: the rotation it began goes on, and the token is presented once.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::world::{World, key, request};

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
