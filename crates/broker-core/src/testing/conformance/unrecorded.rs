//! A change stands or falls with its record.

use super::keys::{kek, rotation, wrapped};
use super::samples::{HOUR, NOW, after, key, provider, record, tenant_id};
use super::{DurableStore, World};
use crate::ports::{AttemptEnd, DestroyKeys, GrantAfter, KeyRotationNote, Lineage, PendingRevocation};
use crate::{
    Attempt, AttemptPhase, AuthorizationId, ConsentCause, Generation, KeyKind, KeyRotationId,
    KeyRotationState, Lifecycle, Phase, RevocationOutcome, SecretId,
};

/// Steps under way that end on record.
struct UnderWay {
    refresh: Attempt,
    exchange: (Attempt, AuthorizationId),
    failing: Attempt,
    revocation: PendingRevocation,
    rotation: KeyRotationNote,
}

impl UnderWay {
    async fn begin(world: &World) -> Self {
        for user in ["ada", "bob", "cy"] {
            world.grant(&key(user)).await;
        }
        assert!(world.revoke(&key("cy")).await);
        world.add_tenant("leaving").await;
        assert!(world.deletions.begin_deletion(&tenant_id("leaving"), NOW, &record()).await.unwrap());
        let rotation = rotation(1, KeyKind::Dek, None);
        world.keys.start_key_rotation(&rotation, None, &record()).await.unwrap();
        world.keys.claim_key_rotation(world.owner, None, NOW, NOW).await.unwrap().unwrap();
        Self {
            refresh: world.claim(&key("ada"), 1).await.attempt,
            exchange: world.exchange(&key("dan")).await,
            failing: world.claim(&key("bob"), 1).await.attempt,
            revocation: world.take_one().await,
            rotation: KeyRotationNote { rotation, owner: world.owner, at: NOW },
        }
    }

    async fn grants_fail(&self, world: &World) {
        let refreshed = world.adoption_of(&self.refresh, Lineage::Present, 1, true);
        assert!(world.grants.adopt(&refreshed).await.is_err());
        let lineage = Lineage::New { authorization: self.exchange.1, consented_at: NOW };
        assert!(world.grants.adopt(&world.adoption_of(&self.exchange.0, lineage, 0, true)).await.is_err());
        let lifecycle = Lifecycle::NeedsConsent(ConsentCause::Revoked);
        let given_up = Some(GrantAfter { lifecycle, ..after(Phase::Idle, false) });
        let plain = || AttemptEnd::without_grant(&self.failing, NOW);
        for end in [
            AttemptEnd { grant: given_up, ..plain() },
            AttemptEnd { pause_registration_until: Some(NOW + HOUR), ..plain() },
            AttemptEnd { refused_secret: SecretId::new(1), ..plain() },
        ] {
            assert!(world.grants.close_attempt(&end).await.is_err());
        }
        let outcome = RevocationOutcome::Revoked;
        assert!(world.revocations.end_revocation(&self.revocation, outcome, NOW).await.is_err());
    }

    async fn keys_fail(&self, world: &World) {
        let state = KeyRotationState::Succeeded;
        assert!(world.keys.end_key_rotation(&self.rotation, state).await.is_err());
        assert!(world.keys.note_primary_keks(&[kek("new")], NOW).await.is_err());
        let (new, by) =
            (wrapped(1, broker_crypto::KeyPurpose::Access, "k"), KeyRotationId::from_bytes([1; 16]));
        assert!(world.keys.add_data_key(&tenant_id("acme"), &new, by, NOW).await.is_err());
        assert!(world.keys.data_key(new.id).await.unwrap().is_none());
        assert!(world.keys.known_keks().await.unwrap().is_empty());
        let tenant = tenant_id("leaving");
        let ask = DestroyKeys { tenant, at: NOW, settled_since: NOW, alive_since: NOW };
        assert!(world.deletions.destroy_keys(&ask).await.is_err());
        assert_eq!(world.deletions.deletion(&ask.tenant).await.unwrap().unwrap().destroyed_at, None);
        let kept = world.keys.key_rotation(self.rotation.rotation.id).await.unwrap().unwrap();
        assert_eq!(kept.state, KeyRotationState::Running);
    }

    async fn assert_grants_unchanged(&self, world: &World) {
        assert_eq!(world.read(&key("ada")).await.generation, Generation::new(1));
        assert!(world.grants.vendable(&key("dan")).await.unwrap().is_none());
        assert_eq!(world.read(&key("bob")).await.lifecycle, Lifecycle::Active);
        for attempt in [&self.refresh, &self.exchange.0, &self.failing] {
            assert_eq!(world.kept(attempt).await.phase, AttemptPhase::Claimed);
        }
        let main = world.registered("main").await.unwrap();
        assert!(!main.rejected && main.secrets[0].refused_at.is_none());
        assert_eq!(world.read(&key("cy")).await.lifecycle, Lifecycle::Revoking);
        let tenant = &self.revocation.key.tenant;
        assert!(world.revocations.is_pending(tenant, self.revocation.id).await.unwrap());
    }
}

/// Every change of its own that a store makes fails where its record cannot be written, and leaves everything as it was.
pub async fn nothing_changes_without_its_record<S: DurableStore>() {
    let store = S::fresh().await;
    let world = World::of(&store).await;
    let under_way = UnderWay::begin(&world).await;
    store.refuse_records().await;
    under_way.grants_fail(&world).await;
    under_way.assert_grants_unchanged(&world).await;
    under_way.keys_fail(&world).await;
    assert!(world.fleet.note_bad_answer(&provider(), NOW).await.is_err());
    assert!(world.fleet.open_breakers().await.unwrap().is_empty());
}
