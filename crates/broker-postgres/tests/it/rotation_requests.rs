//! Requests for rotations among processes that share a database.

use std::sync::Arc;
use std::time::Duration;

use broker_core::Generation;
use broker_core::ports::{RotationAnswer, RotationRequest, RotationRequests as _, TakeRequests};
use broker_core::testing::conformance::{NOW, StoreUnderTest, World, key_of};
use broker_core::testing::request_suite::RequestWorld;

use crate::stores::InPostgres;

/// Longer than a notification takes on a busy machine.
const SOON: Duration = Duration::from_secs(20);

async fn world() -> (RequestWorld, InPostgres) {
    let store = InPostgres::fresh().await;
    let world = World::of(&store).await;
    world.add_tenant("globex").await;
    let keys = [key_of("acme", "ada"), key_of("globex", "bob")];
    for key in &keys {
        world.grant(key).await;
    }
    (RequestWorld { requests: store.store.clone(), keys }, store)
}

broker_core::rotation_request_conformance!(world().await);

fn request(world: &RequestWorld, grant: usize) -> RotationRequest {
    RotationRequest {
        key: world.keys[grant].clone(),
        generation: Generation::new(1),
        requested_at: NOW,
        wanted_until: NOW + SOON,
        trace_parent: None,
    }
}

#[tokio::test]
async fn requests_and_answers_are_heard_at_once_by_other_processes() {
    let (world, store) = world().await;
    let rotator = Arc::new(store.another().await);
    let request = request(&world, 0);
    let grant = request.key.grant_id();
    // Who listens is heard of by the server only after a while: each is told again until it hears.
    let asking = async {
        loop {
            world.requests.request_rotation(&request).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = rotator.requested() => {}
        () = asking => {}
        () = tokio::time::sleep(SOON) => panic!("no request was heard"),
    }
    let take = TakeRequests { at: NOW, taken_before: NOW, limit: 1 };
    let taken = rotator.take_rotation_requests(take).await.unwrap().remove(0);
    let answering = async {
        loop {
            rotator.answer_rotation_request(&taken, RotationAnswer::Adopted).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = world.requests.answered(grant) => {}
        () = answering => {}
        () = tokio::time::sleep(SOON) => panic!("no answer was heard"),
    }
    tokio::time::timeout(SOON, rotator.close()).await.expect("it does not wait for its listener");
}

#[tokio::test]
async fn of_many_rotators_one_is_given_each_request() {
    let (world, store) = world().await;
    let (one, other) = (store.another().await, store.another().await);
    for grant in [0, 1] {
        world.requests.request_rotation(&request(&world, grant)).await.unwrap();
    }
    let take = TakeRequests { at: NOW, taken_before: NOW, limit: 10 };
    let taken = tokio::join!(one.take_rotation_requests(take), other.take_rotation_requests(take));
    let mut keys: Vec<_> =
        taken.0.unwrap().into_iter().chain(taken.1.unwrap()).map(|taken| taken.key).collect();
    keys.sort();
    assert_eq!(keys, world.keys);
}
