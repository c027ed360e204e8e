//! What a tenant may have, and no more.

use std::sync::Arc;

use crate::ports::{AttemptEnd, CreateOutcome, ExchangeOutcome, RegistrationKey, StartOutcome};
use crate::{
    AccessPolicy, AccessRule, Attempt, Authorization, AuthorizationStatus, GrantKey, PolicyOrigin,
    PrincipalPattern, QuotaKind, Reach, TenantId,
};

use super::World;
use super::samples::{
    HOUR, NOW, SMALL, key, key_of, quotas, record, registration, registration_id, tenant_id,
};

impl World {
    /// With a tenant that has one registration and may have two of everything.
    async fn with_small(self) -> Self {
        self.add_tenant(SMALL).await;
        self
    }

    fn policy_of(&self, principal: &str, tenant: &str) -> AccessPolicy {
        let rule = AccessRule {
            principal: PrincipalPattern::new(principal).unwrap(),
            tenant: Reach::new(tenant, TenantId::new).unwrap(),
            ..AccessRule::everything()
        };
        AccessPolicy {
            id: self.policy_id(),
            rule,
            description: String::new(),
            origin: PolicyOrigin::Created(NOW),
        }
    }

    async fn claimed(&self, authorization: &Authorization) -> ExchangeOutcome {
        self.grants.claim_exchange(&self.exchange_of(authorization)).await.unwrap()
    }

    /// Ends an exchange without a grant.
    async fn fail_exchange(&self, attempt: &Attempt) {
        let end = AttemptEnd::without_grant(attempt, NOW);
        assert!(self.grants.close_attempt(&end).await.unwrap());
    }
}

fn over(kind: QuotaKind) -> CreateOutcome {
    CreateOutcome::OverQuota(quotas().of(&tenant_id(SMALL), kind))
}

fn not_started(kind: QuotaKind) -> StartOutcome {
    StartOutcome::OverQuota(quotas().of(&tenant_id(SMALL), kind))
}

fn no_room() -> ExchangeOutcome {
    ExchangeOutcome::OverQuota(quotas().of(&tenant_id(SMALL), QuotaKind::Grants))
}

fn small(user: &str) -> GrantKey {
    key_of(SMALL, user)
}

pub async fn a_tenant_has_so_many_registrations_and_no_more(world: World) {
    let world = world.with_small().await;
    let create = async |tenant, id| {
        world.tenants.create_registration(&registration(tenant, id, NOW), None, &record()).await.unwrap()
    };
    assert_eq!(create(SMALL, "second").await, CreateOutcome::Created);
    assert_eq!(create(SMALL, "third").await, over(QuotaKind::ClientRegistrations));
    let third = registration(SMALL, "third", NOW);
    let kept = world.tenants.registration(&third.tenant, &third.provider, &third.id).await.unwrap();
    assert!(kept.is_none());
    assert_eq!(create(SMALL, "second").await, CreateOutcome::Taken);
    assert_eq!(create("acme", "second").await, CreateOutcome::Created, "another tenant's are not counted");
    let second = RegistrationKey::of(&registration(SMALL, "second", NOW));
    world.tenants.delete_registration(&second, None, NOW, &record()).await.unwrap();
    assert_eq!(create(SMALL, "third").await, CreateOutcome::Created, "a deleted one makes room");
}

pub async fn a_tenant_has_so_many_policies_and_no_more(world: World) {
    let create =
        async |policy: &AccessPolicy| world.access.create_policy(policy, None, &record()).await.unwrap();
    let [first, second, third] = ["jwt:1", "jwt:2", "jwt:3"].map(|name| world.policy_of(name, SMALL));
    assert_eq!(create(&first).await, CreateOutcome::Created);
    assert_eq!(create(&second).await, CreateOutcome::Created);
    let version = world.access.policies_version().await.unwrap();
    assert_eq!(create(&third).await, over(QuotaKind::AccessPolicies));
    assert_eq!(create(&first).await, CreateOutcome::Taken);
    assert_eq!(world.access.policies_version().await.unwrap(), version);
    for other in ["acme", "*"] {
        assert_eq!(create(&world.policy_of("jwt:3", other)).await, CreateOutcome::Created, "{other}");
    }
    assert!(world.access.delete_policy(first.id, &record()).await.unwrap());
    assert_eq!(create(&third).await, CreateOutcome::Created);
}

pub async fn a_tenant_has_so_many_pending_authorizations_and_no_more(world: World) {
    let world = world.with_small().await;
    let (first, _second) = (world.authorization(&small("a")).await, world.authorization(&small("b")).await);
    let start =
        async |request: &Authorization| world.consents.start_authorization(request, &record()).await.unwrap();
    let third = world.request(&small("c"), registration_id());
    assert_eq!(start(&third).await, not_started(QuotaKind::PendingAuthorizations));
    assert!(world.consents.authorization(&third.key.tenant, third.id).await.unwrap().is_none());
    assert_eq!(start(&world.request(&key("c"), registration_id())).await, StartOutcome::Started);
    let denied = AuthorizationStatus::Denied;
    assert!(
        world.consents.end_authorization(&first.key.tenant, first.id, denied, NOW, &record()).await.unwrap()
    );
    assert_eq!(start(&third).await, StartOutcome::Started);
    let mut later = world.request(&small("d"), registration_id());
    (later.created_at, later.expires_at) = (NOW + HOUR, NOW + 2 * HOUR);
    assert_eq!(start(&later).await, StartOutcome::Started, "those that are late are not counted");
}

pub async fn a_tenant_has_so_many_grants_and_no_more(world: World) {
    let world = world.with_small().await;
    let late = world.authorization(&small("late")).await;
    for user in ["a", "b"] {
        world.grant(&small(user)).await;
    }
    assert_eq!(world.claimed(&late).await, no_room());
    let status = world.consents.authorization(&late.key.tenant, late.id).await.unwrap().unwrap().status;
    assert_eq!(status, AuthorizationStatus::Pending, "it can be completed once there is room");
    world.grant(&key("another tenant's")).await;
}

pub async fn an_exchange_counts_while_it_is_open(world: World) {
    let world = world.with_small().await;
    world.grant(&small("a")).await;
    let waiting = world.authorization(&small("waiting")).await;
    let (open, _) = world.exchange(&small("b")).await;
    assert_eq!(world.claimed(&waiting).await, no_room());
    world.fail_exchange(&open).await;
    assert!(world.claimed(&waiting).await.attempt().is_some());
}

pub async fn a_grant_that_lives_is_consented_to_again_whatever_the_quota(world: World) {
    let world = world.with_small().await;
    world.authorization(&small("slow")).await;
    for user in ["a", "b"] {
        world.grant(&small(user)).await;
    }
    world.reconsent(&small("a")).await;
    // With the second of these three are pending.
    let (again, _) = (world.authorization(&small("a")).await, world.authorization(&small("b")).await);
    let twice = world.request(&small("a"), registration_id());
    let refused = world.consents.start_authorization(&twice, &record()).await.unwrap();
    assert_eq!(refused, not_started(QuotaKind::PendingAuthorizations), "its first one is still pending");
    assert!(world.claimed(&again).await.attempt().is_some());
}

pub async fn a_revoked_grant_makes_room_and_needs_room_again(world: World) {
    let world = world.with_small().await;
    let again = world.authorization(&small("a")).await;
    for user in ["a", "b"] {
        world.grant(&small(user)).await;
    }
    assert!(world.revoke(&small("a")).await);
    world.grant(&small("c")).await;
    assert_eq!(world.claimed(&again).await, no_room());
    assert!(world.revoke(&small("b")).await);
    assert!(world.claimed(&again).await.attempt().is_some());
}

pub async fn a_consent_that_would_find_no_room_is_not_started(world: World) {
    let world = world.with_small().await;
    for user in ["a", "b"] {
        world.grant(&small(user)).await;
    }
    let third = world.request(&small("c"), registration_id());
    let started = world.consents.start_authorization(&third, &record()).await.unwrap();
    assert_eq!(started, not_started(QuotaKind::Grants));
}

pub async fn of_many_creates_at_once_only_so_many_pass(world: World) {
    let world = Arc::new(world.with_small().await);
    let mut creates = tokio::task::JoinSet::new();
    for number in 0..8 {
        let world = world.clone();
        creates.spawn(async move {
            let registration = registration(SMALL, &format!("r{number}"), NOW);
            let registered = world.tenants.create_registration(&registration, None, &record()).await.unwrap();
            let policy = world.policy_of(&format!("jwt:{number}"), SMALL);
            let permitted = world.access.create_policy(&policy, None, &record()).await.unwrap();
            let request = world.request(&small(&format!("u{number}")), registration_id());
            let started = world.consents.start_authorization(&request, &record()).await.unwrap();
            [
                registered == CreateOutcome::Created,
                permitted == CreateOutcome::Created,
                started == StartOutcome::Started,
            ]
        });
    }
    let passed = creates.join_all().await;
    let count = |kind: usize| passed.iter().filter(|passed| passed[kind]).count();
    assert_eq!([count(0), count(1), count(2)], [1, 2, 2], "there was one registration before");
}

pub async fn of_many_exchanges_at_once_only_so_many_pass(world: World) {
    let world = Arc::new(world.with_small().await);
    // Each is started when those before it are late, which are not counted as pending then.
    let mut requests = Vec::new();
    for number in 0..8 {
        let mut request = world.request(&small(&format!("u{number}")), registration_id());
        request.created_at = NOW + HOUR * number;
        request.expires_at = request.created_at + HOUR;
        assert_eq!(
            world.consents.start_authorization(&request, &record()).await.unwrap(),
            StartOutcome::Started
        );
        requests.push(request);
    }
    let mut claims = tokio::task::JoinSet::new();
    for request in requests {
        let world = world.clone();
        claims.spawn(async move { world.claimed(&request).await.attempt() });
    }
    let claimed: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 2);
}
