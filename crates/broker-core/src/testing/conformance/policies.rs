//! Access policies.

use std::time::Duration;

use crate::ports::{CreateOutcome, REQUESTS_KEPT, RequestMark};
use crate::{
    AccessAction, AccessPolicy, AccessRule, ActionSet, PolicyId, PolicyOrigin, PrincipalPattern, Reach,
    RequestId, RequestRate, ScopeLimit, Timestamp,
};

use super::World;
use super::samples::{HOUR, NOW, provider, record, tenant_id};

fn rule(principal: &str) -> AccessRule {
    AccessRule {
        principal: PrincipalPattern::new(principal).unwrap(),
        actions: ActionSet::new([AccessAction::Vend, AccessAction::Operate]).unwrap(),
        tenant: Reach::One(tenant_id("acme")),
        provider: Reach::One(provider()),
        max_scopes: ScopeLimit::new(vec!["live".to_owned(), "cameras:read".to_owned()]).unwrap(),
        rate: Some(RequestRate::new(0.1).unwrap()),
    }
}

impl World {
    fn policy(&self, rule: AccessRule, at: Timestamp) -> AccessPolicy {
        let description = "für \"the\" nightly export".to_owned();
        AccessPolicy { id: self.policy_id(), rule, description, origin: PolicyOrigin::Created(at) }
    }

    async fn create(&self, policy: &AccessPolicy, request: Option<RequestMark>) -> CreateOutcome {
        self.access.create_policy(policy, request.as_ref(), &record()).await.unwrap()
    }

    async fn kept_policies(&self) -> Vec<AccessPolicy> {
        self.access.policies(None, 100).await.unwrap()
    }

    async fn version(&self) -> u64 {
        self.access.policies_version().await.unwrap()
    }
}

fn request(number: u8, digest: u8, at: Timestamp) -> Option<RequestMark> {
    Some(RequestMark { id: RequestId::from_bytes([number; 16]), digest: [digest; 32], at })
}

fn repeated(policy: &AccessPolicy) -> CreateOutcome {
    CreateOutcome::Repeated(policy.id.to_string())
}

pub async fn a_policy_is_kept_whole(world: World) {
    let (some, all) = (world.policy(rule("jwt:ci"), NOW), world.policy(AccessRule::everything(), NOW + HOUR));
    for policy in [&all, &some] {
        assert_eq!(world.create(policy, None).await, CreateOutcome::Created);
    }
    let mut made = vec![some, all];
    made.sort_by_key(|policy| policy.id);
    assert_eq!(world.kept_policies().await, made);
}

pub async fn a_policy_of_the_same_rule_is_not_created(world: World) {
    let first = world.policy(rule("jwt:ci"), NOW);
    world.create(&first, None).await;
    let second =
        AccessPolicy { description: "told otherwise".to_owned(), ..world.policy(rule("jwt:ci"), NOW) };
    assert_eq!(world.create(&second, None).await, CreateOutcome::Taken);
    assert_eq!(world.create(&second, request(1, 1, NOW)).await, CreateOutcome::Taken);
    assert_eq!(world.create(&world.policy(rule("jwt:cd"), NOW), None).await, CreateOutcome::Created);
    assert_eq!(world.kept_policies().await.len(), 2);
}

pub async fn a_repeated_request_is_answered_with_what_it_created(world: World) {
    let first = world.policy(rule("jwt:ci"), NOW);
    assert_eq!(world.create(&first, request(1, 1, NOW)).await, CreateOutcome::Created);
    let again = world.policy(rule("jwt:ci"), NOW + HOUR);
    assert_eq!(world.create(&again, request(1, 1, NOW + HOUR)).await, repeated(&first));
    assert_eq!(world.create(&again, request(2, 1, NOW)).await, CreateOutcome::Taken, "another request");
    let other = world.policy(rule("jwt:cd"), NOW);
    assert_eq!(world.create(&other, request(1, 2, NOW)).await, CreateOutcome::IdReused);
    assert_eq!(world.kept_policies().await, [first]);
}

pub async fn requests_for_policies_of_every_tenant_are_their_own(world: World) {
    let everyone = world.policy(AccessRule::everything(), NOW);
    assert_eq!(world.create(&everyone, request(1, 1, NOW)).await, CreateOutcome::Created);
    assert_eq!(world.create(&everyone, request(1, 1, NOW)).await, repeated(&everyone));
    let acme = world.policy(rule("jwt:ci"), NOW);
    assert_eq!(world.create(&acme, request(1, 2, NOW)).await, CreateOutcome::Created, "of one tenant");
}

pub async fn a_request_is_repeated_for_a_time_only(world: World) {
    let policy = world.policy(rule("jwt:ci"), NOW);
    world.create(&policy, request(1, 1, NOW)).await;
    assert_eq!(world.create(&policy, request(1, 1, NOW + REQUESTS_KEPT)).await, repeated(&policy));
    let late = NOW + REQUESTS_KEPT + Duration::from_micros(1);
    assert_eq!(world.create(&policy, request(1, 1, late)).await, CreateOutcome::Taken);
}

pub async fn policies_come_in_pages_by_id(world: World) {
    let mut made: Vec<PolicyId> = Vec::new();
    for number in 0..7 {
        let policy = world.policy(rule(&format!("jwt:{number}")), NOW);
        world.create(&policy, None).await;
        made.push(policy.id);
    }
    made.sort();
    let mut paged: Vec<PolicyId> = Vec::new();
    loop {
        let page = world.access.policies(paged.last().copied(), 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        paged.extend(page.iter().map(|policy| policy.id));
    }
    assert_eq!(paged, made);
}

pub async fn a_policy_is_deleted_once(world: World) {
    let policy = world.policy(rule("jwt:ci"), NOW);
    world.create(&policy, request(1, 1, NOW)).await;
    assert!(world.access.delete_policy(policy.id, &record()).await.unwrap());
    assert!(!world.access.delete_policy(policy.id, &record()).await.unwrap());
    assert_eq!(world.kept_policies().await, []);
    let again = world.create(&policy, request(1, 1, NOW)).await;
    assert_eq!(again, repeated(&policy), "what is repeated late makes no second one");
    assert_eq!(world.create(&policy, request(2, 1, NOW)).await, CreateOutcome::Created);
}

pub async fn the_version_changes_with_every_change_and_with_nothing_else(world: World) {
    let mut seen = vec![world.version().await];
    let policy = world.policy(rule("jwt:ci"), NOW);
    world.create(&policy, None).await;
    seen.push(world.version().await);
    world.create(&world.policy(rule("jwt:ci"), NOW), None).await;
    world.kept_policies().await;
    assert_eq!(world.version().await, seen[1]);
    world.access.delete_policy(policy.id, &record()).await.unwrap();
    seen.push(world.version().await);
    world.create(&policy, None).await;
    seen.push(world.version().await);
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}
