//! Revoking: durable first, carried out by one replica, erased at the end.

use super::World;
use super::samples::{HOUR, NOW, SECOND, after, key, key_of, record, tenant_id};
use crate::ports::{ClaimOutcome, PendingRevocation, TakeRevocations};
use crate::{
    AttemptPhase, FailureKind, Generation, GrantKey, LastFailure, Lifecycle, Phase, RevocationOutcome,
    Timestamp,
};

/// Revoking.
impl World {
    pub(super) async fn revoke(&self, key: &GrantKey) -> bool {
        !self.revocations.revoke(std::slice::from_ref(key), NOW, &record()).await.unwrap().is_empty()
    }

    pub(super) async fn take_at(&self, now: Timestamp) -> Vec<PendingRevocation> {
        let ask = TakeRevocations { due_by: now, hold_until: now + HOUR, limit: 10 };
        self.revocations.take_revocations(ask).await.unwrap()
    }

    /// The only revocation that is due.
    pub(super) async fn take_one(&self) -> PendingRevocation {
        let mut taken = self.take_at(NOW).await;
        assert_eq!(taken.len(), 1);
        taken.remove(0)
    }

    /// Whether its grant is revoked thereby.
    pub(super) async fn end(&self, revocation: &PendingRevocation) -> bool {
        self.revocations.end_revocation(revocation, RevocationOutcome::Revoked, NOW).await.unwrap()
    }

    /// A grant that was revoked, upstream too.
    pub(super) async fn revoked_grant(&self, key: &GrantKey) {
        self.grant(key).await;
        assert!(self.revoke(key).await);
        assert!(self.end(&self.take_one().await).await);
    }
}

pub async fn a_revoked_grant_holds_no_token_and_is_not_claimed(world: World) {
    world.grant(&key("ada")).await;
    assert!(world.revoke(&key("ada")).await);
    let held = world.grants.vendable(&key("ada")).await.unwrap().unwrap();
    assert!(held.access_token.is_none());
    assert_eq!(held.grant.lifecycle, Lifecycle::Revoking);
    assert_eq!((held.grant.due_at, held.grant.refreshable), (None, false));
    assert!(matches!(world.try_claim(&key("ada"), 1).await, ClaimOutcome::NotRefreshable));
    let taken = world.take_one().await;
    assert_eq!((taken.key.clone(), taken.generation), (key("ada"), Generation::new(1)));
    assert_eq!(taken.access_token.as_bytes(), b"access 1");
    let (refresh_token, sealed_for) = taken.refresh_token.unwrap();
    assert_eq!((refresh_token.as_bytes(), sealed_for), (&b"refresh 1"[..], Generation::new(1)));
}

pub async fn a_grant_is_revoked_once_and_absent_ones_are_passed_over(world: World) {
    world.grant(&key("ada")).await;
    world.grant(&key("bob")).await;
    world.revoke(&key("ada")).await;
    let all = [key("ada"), key("nobody"), key("bob")];
    assert_eq!(world.revocations.revoke(&all, NOW, &record()).await.unwrap(), [key("bob")]);
    assert_eq!(world.take_at(NOW).await.len(), 2);
}

pub async fn a_refresh_that_was_not_sent_when_its_grant_was_revoked_never_is(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    let (exchange, authorization) = world.exchange(&key("ada")).await;
    world.revoke(&key("ada")).await;
    for unsent in [&attempt, &exchange] {
        assert!(!world.send(unsent).await);
        assert_eq!(world.kept(unsent).await.phase, AttemptPhase::Closed);
    }
    assert_eq!(world.status_of(authorization).await, crate::AuthorizationStatus::Failed("revoked".into()));
}

pub async fn a_failure_leaves_a_revoked_grant_alone(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&attempt).await);
    world.revoke(&key("ada")).await;
    assert_eq!(world.kept(&attempt).await.phase, AttemptPhase::Sent);
    assert!(world.close(&attempt, Some(after(Phase::Suspect, true))).await);
    assert_eq!(world.read(&key("ada")).await.lifecycle, Lifecycle::Revoking);
    assert_eq!(world.read(&key("ada")).await.due_at, None);
}

pub async fn a_revocation_is_taken_by_one_and_again_after_its_time(world: World) {
    world.grant(&key("ada")).await;
    world.revoke(&key("ada")).await;
    let first = world.take_one().await;
    assert!(world.take_at(NOW).await.is_empty());
    assert!(world.take_at(NOW + HOUR - SECOND).await.is_empty());
    let again = world.take_at(NOW + HOUR).await;
    assert_eq!(again.iter().map(|taken| taken.id).collect::<Vec<_>>(), [first.id]);
}

pub async fn a_failed_try_is_told_by_the_grant(world: World) {
    world.grant(&key("ada")).await;
    world.revoke(&key("ada")).await;
    let taken = world.take_one().await;
    let failure = LastFailure {
        kind: FailureKind::ClientRejected,
        at: NOW,
        oauth_error: Some("invalid_client".into()),
        http_status: Some(401),
        in_a_row: 2,
        since: NOW - SECOND,
    };
    world.revocations.put_off(&taken, Some(&failure), NOW + SECOND).await.unwrap();
    assert_eq!(world.read(&key("ada")).await.last_failure, Some(failure.clone()));
    let again = world.take_at(NOW + SECOND).await.remove(0).last_failure.unwrap();
    assert_eq!((again.kind, again.in_a_row, again.since), (failure.kind, 2, NOW - SECOND));
    // Put off without a try: what failed before is still known.
    world.revocations.put_off(&taken, None, NOW + HOUR).await.unwrap();
    assert!(world.take_at(NOW + SECOND).await.is_empty());
    assert_eq!(world.take_at(NOW + HOUR).await.remove(0).last_failure.unwrap().in_a_row, 2);
}

pub async fn with_the_end_of_its_revocation_a_grant_is_revoked_and_the_tokens_are_gone(world: World) {
    world.grant(&key("ada")).await;
    world.revoke(&key("ada")).await;
    let taken = world.take_one().await;
    assert!(world.revocations.is_pending(&tenant_id("acme"), taken.id).await.unwrap());
    assert!(world.end(&taken).await);
    assert!(!world.end(&taken).await, "once");
    let grant = world.read(&key("ada")).await;
    assert_eq!((grant.lifecycle, grant.revocation), (Lifecycle::Revoked, Some(RevocationOutcome::Revoked)));
    assert!(!world.revocations.is_pending(&tenant_id("acme"), taken.id).await.unwrap());
    world.revocations.put_off(&taken, None, NOW).await.unwrap();
    assert!(world.take_at(NOW + HOUR).await.is_empty());
}

pub async fn what_was_revoked_of_late_is_known(world: World) {
    world.grant(&key("ada")).await;
    world.grant(&key("bob")).await;
    world.revoke(&key("bob")).await;
    assert_eq!(world.revocations.revoked_since(NOW, 10).await.unwrap(), [key("bob")]);
    assert!(world.revocations.revoked_since(NOW + SECOND, 10).await.unwrap().is_empty());
    world.revoke(&key("ada")).await;
    assert_eq!(world.revocations.revoked_since(NOW, 1).await.unwrap().len(), 1);
}

pub async fn ended_revocations_are_pruned_and_pending_ones_are_not(world: World) {
    world.revoked_grant(&key("ada")).await;
    world.grant(&key("bob")).await;
    world.revoke(&key("bob")).await;
    assert_eq!(world.revocations.prune_revocations(NOW, 10).await.unwrap(), 0);
    assert_eq!(world.revocations.prune_revocations(NOW + SECOND, 10).await.unwrap(), 1);
    assert_eq!(world.take_one().await.key, key("bob"));
}

pub async fn a_revocation_of_another_tenant_is_not_touched(world: World) {
    world.add_tenant("rival").await;
    world.grant(&key("ada")).await;
    world.revoke(&key("ada")).await;
    let taken = world.take_one().await;
    let forged = PendingRevocation { key: key_of("rival", "ada"), ..taken };
    assert!(!world.revocations.is_pending(&tenant_id("rival"), forged.id).await.unwrap());
    assert!(!world.end(&forged).await);
    world.revocations.put_off(&forged, None, NOW).await.unwrap();
    assert!(world.take_at(NOW).await.is_empty());
    assert_eq!(world.read(&key("ada")).await.lifecycle, Lifecycle::Revoking);
    assert_eq!(world.take_at(NOW + HOUR).await.len(), 1);
}
