//! Seals are counted across replicas and restarts, worn keys are replaced, and no answer is lost for want of a seal.

use broker_core::ports::{DataKeyQuery, KeyStore};
use broker_core::testing::conformance::actor;
use broker_core::{BrokerError, KeyKind, KeyRotationState, StaleReason};
use broker_crypto::{DekId, KeyPurpose, MOST_SEALS, SEALS_FOR_NEW_WORK, WEARING_OUT};
use proptest::prelude::*;

use crate::fakes::Answer;
use crate::world::{World, key, key_of, request, tenant};

/// Every data key of the tenant, oldest first, with its count.
async fn counts(world: &World) -> Vec<(DekId, KeyPurpose, u64)> {
    let query = DataKeyQuery { tenant: Some(tenant()), after: None, limit: 100 };
    let keys = world.store().data_keys(&query).await.unwrap();
    keys.into_iter().map(|key| (key.id, key.purpose, key.sealed)).collect()
}

/// The tenant's keys have sealed that many values, as far as the store knows.
async fn count_up_to(world: &World, count: u64) {
    for (key, _, sealed) in counts(world).await {
        let counted = world.store().reserve_seals(&tenant(), key, count - sealed, MOST_SEALS).await.unwrap();
        assert_eq!(counted, Some(count));
    }
}

async fn refresh(world: &World) -> Result<(), BrokerError> {
    world.broker.refresh_grant(&key(), None).await.map(drop)
}

#[tokio::test]
async fn a_block_is_reserved_once_and_used_up() {
    let world = World::new().await;
    let counted = |counts: &[(DekId, KeyPurpose, u64)]| counts.iter().map(|key| key.2).collect::<Vec<_>>();
    let at_first = counted(&counts(&world).await);
    assert_eq!(at_first, [64, 64]);
    for _ in 0..10 {
        refresh(&world).await.unwrap();
        world.token().await;
    }
    assert_eq!(counted(&counts(&world).await), at_first, "{} values were sealed", world.nonces.drawn());
    for _ in 0..60 {
        refresh(&world).await.unwrap();
    }
    let counted = counted(&counts(&world).await);
    assert_eq!(counted, [192, 192], "{} values were sealed", world.nonces.drawn());
}

#[tokio::test]
async fn a_worn_key_is_replaced_without_being_asked_for() {
    let world = World::new().await;
    count_up_to(&world, WEARING_OUT).await;
    world.broker.rotate_worn_keys().await;
    assert!(world.broker.key_rotations(None, 10).await.unwrap().is_empty(), "nobody has met the count yet");
    for _ in 0..64 {
        refresh(&world).await.unwrap();
    }
    assert_eq!(world.broker.worn_keys(), 2);
    for _ in 0..3 {
        world.broker.rotate_worn_keys().await;
    }
    let asked = world.broker.key_rotations(None, 10).await.unwrap();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!((asked[0].kind, &asked[0].tenant), (KeyKind::Dek, &Some(tenant())));
    assert!(world.work_on_key_rotation().await);
    let done = world.broker.key_rotation(asked[0].id).await.unwrap();
    assert_eq!((done.state, done.failed), (KeyRotationState::Succeeded, 0));
    world.broker.rotate_worn_keys().await;
    assert_eq!(world.broker.worn_keys(), 0, "the new keys seal");
    assert_eq!(world.broker.key_rotations(None, 10).await.unwrap().len(), 1);
    refresh(&world).await.unwrap();
    assert!(counts(&world).await[2..].iter().all(|(_, _, sealed)| (1..=256).contains(sealed)));
}

/// Another replica has counted a key up; this one meets the count when its own block is used up.
async fn use_up_the_block(world: &World) {
    let before = world.nonces.drawn();
    while refresh(world).await.is_ok() {
        assert!(world.nonces.drawn() < before + 1000, "it is refused in the end");
    }
}

#[tokio::test]
async fn near_the_limit_nothing_new_is_begun_and_what_is_held_is_served() {
    let world = World::new().await;
    count_up_to(&world, SEALS_FOR_NEW_WORK).await;
    use_up_the_block(&world).await;
    let calls = world.provider.calls();
    assert!(matches!(refresh(&world).await, Err(BrokerError::KeysExhausted)));
    assert!(matches!(world.consent_as("bob").await, Err(BrokerError::KeysExhausted)));
    world.pass(3570);
    let served = world.vend().await.unwrap();
    assert_eq!(served.stale, Some(StaleReason::BackendUnavailable));
    world.pass(60);
    let refused = world.broker.vend(&request()).await.unwrap_err();
    assert!(matches!(refused, BrokerError::KeysExhausted), "{refused}");
    assert_eq!(world.provider.calls(), calls, "no token was spent");

    world.broker.rotate_keys(KeyKind::Dek, Some(tenant()), None, &actor()).await.unwrap();
    assert!(world.work_on_key_rotation().await);
    refresh(&world).await.unwrap();
    assert_eq!(world.vend().await.unwrap().stale, None);
    world.consent_of(&key_of("bob")).await;
}

#[tokio::test]
async fn an_answer_on_its_way_is_adopted_beyond_the_limit_for_what_is_new() {
    let mut world = World::new().await;
    for crashed in [false, true] {
        world.restart();
        world.broker.recover().await.unwrap();
        let generation = world.grant().await.generation;
        world.provider.next([Answer::RotateWhenReleased]);
        let broker = world.broker.clone();
        let refreshing = tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
        world.provider.reached().await;
        count_up_to(&world, SEALS_FOR_NEW_WORK).await;
        world.flaky.refuse_adopt.store(crashed, std::sync::atomic::Ordering::SeqCst);
        world.provider.release();
        if crashed {
            world.flaky.refused.notified().await;
            refreshing.abort();
            world.flaky.refuse_adopt.store(false, std::sync::atomic::Ordering::SeqCst);
            world.restart();
            world.pass(600);
            world.broker.recover().await.unwrap();
        } else {
            refreshing.await.unwrap().unwrap();
        }
        assert!(world.grant().await.generation > generation, "crashed: {crashed}");
        world.token().await;
        world.broker.rotate_keys(KeyKind::Dek, Some(tenant()), None, &actor()).await.unwrap();
        assert!(world.work_on_key_rotation().await);
    }
    assert_eq!(world.provider.dead_presented(), 0);
}

#[derive(Debug, Clone)]
enum Step {
    /// A replica rotates a grant so often.
    Refresh(usize, u8),
    /// A replica dies, and another takes its place.
    Crash(usize),
    /// A replica dies while an answer is on its way.
    CrashInFlight(usize),
    /// Data keys are rotated.
    RotateKeys,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let replica = 0usize..2;
    let step = prop_oneof![
        6 => (replica.clone(), 1u8..60).prop_map(|(replica, times)| Step::Refresh(replica, times)),
        2 => replica.clone().prop_map(Step::Crash),
        2 => replica.prop_map(Step::CrashInFlight),
        1 => Just(Step::RotateKeys),
    ];
    proptest::collection::vec(step, 1..12)
}

/// Two replicas of one store.
struct Pair {
    world: World,
    replicas: [std::sync::Arc<broker_core::Broker>; 2],
    joined: u8,
}

impl Pair {
    async fn new() -> Self {
        let mut world = World::new().await;
        let first = world.broker.clone();
        world.join_beside(1).await;
        let second = world.broker.clone();
        Self { world, replicas: [first, second], joined: 1 }
    }

    async fn replace(&mut self, replica: usize) {
        self.joined += 1;
        self.world.join_as(self.joined).recover().await.unwrap();
        self.replicas[replica] = self.world.broker.clone();
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Refresh(replica, times) => {
                for _ in 0..*times {
                    // What a dead replica has left undecided is refused for a while.
                    let _ =
                        self.replicas[*replica].refresh_grant(&key(), Some(std::time::Duration::ZERO)).await;
                    self.world.settled().await;
                }
            }
            Step::Crash(replica) => self.replace(*replica).await,
            Step::CrashInFlight(replica) => {
                self.world.provider.next([Answer::RotateAndHang]);
                let broker = self.replicas[*replica].clone();
                let refreshing = tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                refreshing.abort();
                self.world.provider.unscript();
                self.replace(*replica).await;
            }
            Step::RotateKeys => {
                self.world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
                self.world.work_on_key_rotation().await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn with_two_replicas_and_crashes_no_seal_goes_uncounted(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new().await;
            for step in &steps {
                pair.take(step).await;
                let counted: u64 = counts(&pair.world).await.iter().map(|(_, _, sealed)| sealed).sum();
                let drawn = pair.world.nonces.drawn();
                assert!(drawn <= counted, "{drawn} values were sealed and {counted} counted");
            }
        });
    }
}
