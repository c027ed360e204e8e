//! What becomes of tokens that a new consent replaces (rule 13).

use super::World;
use super::samples::{NOW, key};
use super::steps::adopted;
use crate::ports::{AdoptOutcome, Adoption, Lineage, ReplacedTokens};
use crate::{Attempt, AuthorizationId, Lifecycle};

impl World {
    /// Adopts a consent as generation 2, with this fate of what it replaces.
    pub(super) async fn replace(
        &self,
        (attempt, authorization): &(Attempt, AuthorizationId),
        replaced: ReplacedTokens,
    ) -> AdoptOutcome {
        let lineage = Lineage::New { authorization: *authorization, consented_at: NOW };
        let adoption = Adoption { replaced, ..self.adoption_of(attempt, lineage, 1, true) };
        self.grants.adopt(&adoption).await.unwrap()
    }
}

pub async fn what_a_consent_replaces_is_revoked_where_that_does_not_reach_it(world: World) {
    world.grant(&key("ada")).await;
    let exchange = world.exchange(&key("ada")).await;
    assert_eq!(world.replace(&exchange, ReplacedTokens::Revoke).await, adopted(2));
    let taken = world.take_one().await;
    assert_eq!(taken.access_token.as_bytes(), b"access 1");
    assert_eq!(taken.refresh_token.as_ref().unwrap().0.as_bytes(), b"refresh 1");
    assert!(!world.end(&taken).await);
    let held = world.grants.vendable(&key("ada")).await.unwrap().unwrap();
    assert_eq!((held.grant.lifecycle, held.grant.revocation), (Lifecycle::Active, None));
    assert_eq!(held.access_token.unwrap().as_bytes(), b"access 2");
}

pub async fn what_a_consent_replaces_is_let_go_where_that_could_end_it(world: World) {
    world.grant(&key("ada")).await;
    let exchange = world.exchange(&key("ada")).await;
    assert_eq!(world.replace(&exchange, ReplacedTokens::LetGo).await, adopted(2));
    assert!(world.take_at(NOW).await.is_empty());
}

pub async fn a_late_answer_of_a_replaced_lineage_is_revoked_where_that_does_not_reach_the_new_one(
    world: World,
) {
    for (user, replaced, kept) in [("ada", ReplacedTokens::Revoke, 1), ("bob", ReplacedTokens::LetGo, 0)] {
        world.grant(&key(user)).await;
        let late = world.claim(&key(user), 1).await.attempt;
        assert!(world.send(&late).await);
        let exchange = world.exchange(&key(user)).await;
        assert_eq!(world.replace(&exchange, ReplacedTokens::LetGo).await, adopted(2));
        let adoption = Adoption { replaced, ..world.adoption_of(&late, Lineage::Present, 1, true) };
        for _ in 0..2 {
            assert_eq!(world.grants.adopt(&adoption).await.unwrap(), AdoptOutcome::Superseded);
        }
        assert_eq!(world.take_at(NOW).await.len(), kept, "{user}");
        assert_eq!(world.read(&key(user)).await.lifecycle, Lifecycle::Active);
    }
}

pub async fn a_pending_revocation_outlives_a_new_consent_only_where_it_does_not_reach_it(world: World) {
    for (user, replaced, pending) in
        [("ada", ReplacedTokens::Revoke, true), ("bob", ReplacedTokens::LetGo, false)]
    {
        world.grant(&key(user)).await;
        world.revoke(&key(user)).await;
        let taken = world.take_one().await;
        let exchange = world.exchange(&key(user)).await;
        assert_eq!(world.replace(&exchange, replaced).await, adopted(2));
        let still = world.revocations.is_pending(&taken.key.tenant, taken.id).await.unwrap();
        assert_eq!(still, pending, "{user}");
        assert!(!world.end(&taken).await);
        assert_eq!(world.read(&key(user)).await.lifecycle, Lifecycle::Active);
    }
}
