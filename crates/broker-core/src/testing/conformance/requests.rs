//! Creates that are repeated make one resource.

use std::time::Duration;

use super::World;
use super::samples::{NOW, SECOND, record, registered_secret, registration, registration_key, tenant};
use crate::ports::{CreateOutcome, NewSecret, REQUESTS_KEPT, RequestMark, SecretOutcome};
use crate::{RequestId, SecretId, Timestamp};

fn mark(id: u8, digest: u8, at: Timestamp) -> RequestMark {
    RequestMark { id: RequestId::from_bytes([id; 16]), digest: [digest; 32], at }
}

fn repeated(resource: &str) -> CreateOutcome {
    CreateOutcome::Repeated(resource.to_owned())
}

pub async fn a_repeated_request_makes_one_tenant(world: World) {
    let create = async |name, mark: RequestMark| {
        world.tenants.create_tenant(&tenant(name), Some(&mark), &record()).await.unwrap()
    };
    assert_eq!(create("globex", mark(1, 1, NOW)).await, CreateOutcome::Created);
    assert_eq!(create("globex", mark(1, 1, NOW + SECOND)).await, repeated("globex"));
    assert_eq!(create("globex", mark(1, 2, NOW)).await, CreateOutcome::IdReused);
    assert_eq!(create("globex", mark(2, 1, NOW)).await, CreateOutcome::Taken, "another request");
    assert_eq!(create("initech", mark(1, 1, NOW)).await, CreateOutcome::Created, "another tenant's ids");
}

pub async fn a_request_that_made_nothing_is_not_kept(world: World) {
    let taken =
        world.tenants.create_tenant(&tenant("acme"), Some(&mark(1, 1, NOW)), &record()).await.unwrap();
    assert_eq!(taken, CreateOutcome::Taken);
    let other = registration("acme", "other", NOW);
    let created = world.tenants.create_registration(&other, Some(&mark(1, 2, NOW)), &record()).await.unwrap();
    assert_eq!(created, CreateOutcome::Created);
}

pub async fn a_repeated_request_makes_one_registration(world: World) {
    let other = registration("acme", "other", NOW);
    let create = async |mark: RequestMark| {
        world.tenants.create_registration(&other, Some(&mark), &record()).await.unwrap()
    };
    assert_eq!(create(mark(1, 1, NOW)).await, CreateOutcome::Created);
    assert_eq!(create(mark(1, 1, NOW)).await, repeated("other"));
    assert_eq!(create(mark(1, 9, NOW)).await, CreateOutcome::IdReused);
    assert_eq!(create(mark(2, 1, NOW)).await, CreateOutcome::Taken);
}

pub async fn a_repeated_request_adds_one_secret(world: World) {
    let add = async |number, request| {
        let new = NewSecret {
            key: registration_key("main"),
            secret: registered_secret(number, NOW),
            prefer: false,
            most: 5,
            request: Some(request),
        };
        world.tenants.add_secret(&new, &record()).await.unwrap()
    };
    assert_eq!(add(2, mark(1, 1, NOW)).await, SecretOutcome::Added);
    // Whoever repeats it has sealed it for the number that is next now.
    let second = SecretId::new(2).unwrap();
    assert_eq!(add(3, mark(1, 1, NOW)).await, SecretOutcome::Repeated(second));
    assert_eq!(add(3, mark(1, 2, NOW)).await, SecretOutcome::IdReused);
    assert_eq!(add(3, mark(2, 1, NOW)).await, SecretOutcome::Added);
    assert_eq!(world.registered("main").await.unwrap().secrets.len(), 3);
}

pub async fn of_two_same_requests_at_once_one_makes_the_resource(world: World) {
    let other = registration("acme", "other", NOW);
    let mark = mark(1, 1, NOW);
    let record = record();
    let create = || world.tenants.create_registration(&other, Some(&mark), &record);
    let (first, second) = tokio::join!(create(), create());
    let mut outcomes = [first.unwrap(), second.unwrap()];
    outcomes.sort_by_key(|outcome| *outcome != CreateOutcome::Created);
    assert_eq!(outcomes, [CreateOutcome::Created, repeated("other")]);
}

pub async fn a_request_is_recognised_for_a_day(world: World) {
    let create = async |name, at| {
        world.tenants.create_tenant(&tenant(name), Some(&mark(1, 1, at)), &record()).await.unwrap()
    };
    assert_eq!(create("globex", NOW).await, CreateOutcome::Created);
    assert_eq!(create("globex", NOW + REQUESTS_KEPT).await, repeated("globex"));
    let late = NOW + REQUESTS_KEPT + Duration::from_micros(1);
    assert_eq!(create("globex", late).await, CreateOutcome::Taken, "it is forgotten, the tenant is not");
}

pub async fn old_requests_are_forgotten_few_at_a_time(world: World) {
    for (number, name) in (0..).zip(["a", "b", "c"]) {
        let mark = mark(number, number, NOW + SECOND * u32::from(number));
        world.tenants.create_tenant(&tenant(name), Some(&mark), &record()).await.unwrap();
    }
    let prune = async |limit| world.tenants.prune_requests(NOW + 2 * SECOND, limit).await.unwrap();
    assert_eq!((prune(1).await, prune(9).await, prune(9).await), (1, 1, 0));
    let kept = world.tenants.create_tenant(&tenant("c"), Some(&mark(2, 2, NOW)), &record()).await.unwrap();
    assert_eq!(kept, repeated("c"));
}
