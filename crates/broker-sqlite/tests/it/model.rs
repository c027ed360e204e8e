//! Random steps against a small model: generations never go down, one refresh is open at a time, and nothing
//! of a replaced lineage is ever adopted.

use broker_core::ports::{AdoptOutcome, ClaimOutcome, GrantStore};
use broker_core::{Attempt, AttemptKind, AuthorizationId, Generation, LineageId, Phase};
use proptest::prelude::*;

use crate::world::{World, after, key};

#[derive(Debug, Clone, Copy)]
enum Step {
    Consent,
    Claim,
    ClaimOld,
    Send(usize),
    Adopt(usize),
    Close(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Consent),
        4 => Just(Step::Claim),
        1 => Just(Step::ClaimOld),
        3 => (0usize..16).prop_map(Step::Send),
        4 => (0usize..16).prop_map(Step::Adopt),
        3 => (0usize..16).prop_map(Step::Close),
    ]
}

struct Known {
    attempt: Attempt,
    open: bool,
    sent: bool,
    adopted: Option<Generation>,
}

/// What the store should know.
#[derive(Default)]
struct Model {
    generation: u64,
    lineage: Option<LineageId>,
    attempts: Vec<Known>,
}

impl Model {
    fn open_refresh(&self) -> Option<&Known> {
        self.attempts.iter().find(|known| known.open && known.attempt.kind == AttemptKind::Refresh)
    }

    fn add(&mut self, attempt: Attempt) {
        self.attempts.push(Known { attempt, open: true, sent: false, adopted: None });
    }

    fn pick(&self, number: usize) -> Option<usize> {
        (!self.attempts.is_empty()).then(|| number % self.attempts.len())
    }

    fn is_present(&self, attempt: &Attempt) -> bool {
        self.lineage == Some(attempt.lineage) && attempt.generation.get() == self.generation
    }

    /// What adopting must answer, and its effect.
    fn adopt(&mut self, at: usize) -> AdoptOutcome {
        let known = &self.attempts[at];
        if let Some(generation) = known.adopted {
            return AdoptOutcome::AlreadyAdopted(generation);
        }
        let overtaken = match known.attempt.kind {
            AttemptKind::Refresh => !self.is_present(&known.attempt),
            // A consent that the store saw later was adopted.
            AttemptKind::CodeExchange(_) => self.attempts[at + 1..]
                .iter()
                .any(|later| later.attempt.kind != AttemptKind::Refresh && later.adopted.is_some()),
        };
        if overtaken {
            self.attempts[at].open = false;
            return AdoptOutcome::Superseded;
        }
        self.generation += 1;
        self.lineage = Some(known.attempt.lineage);
        self.attempts[at].adopted = Some(Generation::new(self.generation));
        self.attempts[at].open = false;
        let lineage = self.lineage;
        for other in self.attempts.iter_mut().filter(|k| k.attempt.kind == AttemptKind::Refresh) {
            let overtaken = !other.sent || Some(other.attempt.lineage) != lineage;
            other.open &= !overtaken;
        }
        AdoptOutcome::Adopted(Generation::new(self.generation))
    }
}

async fn take(world: &World, model: &mut Model, step: Step) {
    match step {
        Step::Consent => model.add(world.exchange(&key("ada")).await.0),
        Step::Claim => claim(world, model, model.generation).await,
        Step::ClaimOld => claim(world, model, model.generation.saturating_sub(1)).await,
        Step::Send(number) => {
            let Some(at) = model.pick(number) else { return };
            let known = &mut model.attempts[at];
            let may = known.open && !known.sent;
            assert_eq!(world.send(&known.attempt).await, may);
            known.sent |= may;
        }
        Step::Adopt(number) => {
            let Some(at) = model.pick(number) else { return };
            adopt(world, model, at).await;
        }
        Step::Close(number) => {
            let Some(at) = model.pick(number) else { return };
            let known = &mut model.attempts[at];
            let left = (known.attempt.kind == AttemptKind::Refresh).then(|| after(Phase::Uncertain, true));
            assert_eq!(world.close(&known.attempt, left).await, known.open);
            known.open = false;
        }
    }
}

async fn claim(world: &World, model: &mut Model, generation: u64) {
    match world.try_claim(&key("ada"), generation).await {
        ClaimOutcome::Absent => assert_eq!(model.generation, 0),
        ClaimOutcome::Newer(newer) => {
            assert!(newer.get() == model.generation && generation < model.generation)
        }
        ClaimOutcome::Undecided(until) => {
            assert!(until > crate::world::NOW && model.open_refresh().is_none())
        }
        ClaimOutcome::Busy(_) => assert!(model.open_refresh().is_some()),
        ClaimOutcome::NotRefreshable => panic!("every token set here has a refresh token"),
        ClaimOutcome::Claimed(claimed) => {
            assert!(model.open_refresh().is_none(), "two refreshes are open");
            assert!(model.is_present(&claimed.attempt));
            assert_eq!(claimed.refresh_token.as_bytes(), format!("refresh {}", model.generation).as_bytes());
            model.add(claimed.attempt);
        }
    }
}

async fn adopt(world: &World, model: &mut Model, at: usize) {
    let attempt = model.attempts[at].attempt.clone();
    let base = model.generation;
    let expected = model.adopt(at);
    let found = match attempt.kind {
        AttemptKind::Refresh => world.adopt_refresh(&attempt).await,
        AttemptKind::CodeExchange(authorization) => {
            adopt_exchange(world, (attempt, authorization), base).await
        }
    };
    assert_eq!(found, expected);
}

/// As the broker does: seal for the generation seen first, and again for the one it moved to.
async fn adopt_exchange(world: &World, exchange: (Attempt, AuthorizationId), base: u64) -> AdoptOutcome {
    let seen = exchange.0.generation.get();
    match world.adopt_new(&exchange, seen).await {
        AdoptOutcome::Moved(generation) => {
            assert_eq!(generation.get(), base);
            world.adopt_new(&exchange, base).await
        }
        outcome => outcome,
    }
}

async fn agrees(world: &World, model: &Model) {
    let grant = world.store.vendable(&key("ada")).await.unwrap();
    assert_eq!(grant.as_ref().map_or(0, |g| g.grant.generation.get()), model.generation);
    assert_eq!(grant.as_ref().map(|g| g.grant.lineage), model.lineage);
    if let Some(vendable) = grant {
        assert_eq!(vendable.access_token.as_bytes(), format!("access {}", model.generation).as_bytes());
        let present_open = model
            .attempts
            .iter()
            .any(|k| k.open && k.attempt.kind == AttemptKind::Refresh && model.is_present(&k.attempt));
        assert_eq!(matches!(vendable.grant.phase, Phase::Claimed | Phase::Sent), present_open);
    }
    let nobody = broker_core::IncarnationId::from_bytes([0; 16]);
    let open = world.store.orphaned_attempts(nobody).await.unwrap();
    assert_eq!(open.len(), model.attempts.iter().filter(|known| known.open).count());
    assert!(open.iter().filter(|attempt| attempt.kind == AttemptKind::Refresh).count() <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_steps_agree_with_the_model(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::in_memory().await;
            let mut model = Model::default();
            let mut generation = 0;
            for step in steps {
                take(&world, &mut model, step).await;
                agrees(&world, &model).await;
                assert!(model.generation >= generation);
                generation = model.generation;
            }
        });
    }
}
