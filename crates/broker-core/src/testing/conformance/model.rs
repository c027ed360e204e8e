//! Random steps against a small model: generations never go down, one refresh is open at a time, and nothing of a
//! replaced lineage is ever adopted.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::samples::{NOW, after, key};
use super::{StoreUnderTest, World};
use crate::ports::{AdoptOutcome, AttemptEnd, ClaimOutcome};
use crate::{Attempt, AttemptKind, AttemptPhase, AuthorizationId, Generation, GrantKey, LineageId, Phase};

const CASES: u32 = 48;

#[derive(Debug, Clone, Copy)]
enum Step {
    Consent,
    Claim,
    ClaimOld,
    Send(usize),
    Adopt(usize),
    Close(usize),
    CloseUnsent(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Consent),
        4 => Just(Step::Claim),
        1 => Just(Step::ClaimOld),
        3 => (0usize..16).prop_map(Step::Send),
        4 => (0usize..16).prop_map(Step::Adopt),
        3 => (0usize..16).prop_map(Step::Close),
        1 => (0usize..16).prop_map(Step::CloseUnsent),
    ]
}

struct Known {
    attempt: Attempt,
    open: bool,
    sent: bool,
    adopted: Option<Generation>,
}

/// What the store should know of one grant.
#[derive(Default)]
struct Model {
    generation: u64,
    lineage: Option<LineageId>,
    /// The presentation the present token set answers.
    adopted_from: (u64, u32),
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

    /// Whether an answer to the attempt is newer than what the grant has.
    fn wins(&self, at: usize) -> bool {
        let attempt = &self.attempts[at].attempt;
        let (generation, presentation_no) = self.adopted_from;
        match attempt.kind {
            AttemptKind::Refresh => {
                self.is_present(attempt)
                    || self.lineage == Some(attempt.lineage)
                        && generation == attempt.generation.get()
                        && presentation_no < attempt.presentation_no
            }
            // No consent that the store saw later was adopted.
            AttemptKind::CodeExchange(_) => !self.attempts[at + 1..]
                .iter()
                .any(|later| later.attempt.kind != AttemptKind::Refresh && later.adopted.is_some()),
        }
    }

    /// What adopting must answer, and its effect.
    fn adopt(&mut self, at: usize) -> AdoptOutcome {
        if let Some(generation) = self.attempts[at].adopted {
            return AdoptOutcome::AlreadyAdopted(generation);
        }
        let wins = self.wins(at);
        self.attempts[at].open = false;
        if !wins {
            return AdoptOutcome::Superseded;
        }
        self.generation += 1;
        let known = &mut self.attempts[at];
        known.adopted = Some(Generation::new(self.generation));
        let lineage = known.attempt.lineage;
        self.adopted_from = (known.attempt.generation.get(), known.attempt.presentation_no);
        self.lineage = Some(lineage);
        for other in self.attempts.iter_mut().filter(|k| k.attempt.kind == AttemptKind::Refresh) {
            other.open &= other.sent && other.attempt.lineage == lineage;
        }
        AdoptOutcome::Adopted(Generation::new(self.generation))
    }
}

/// One grant in the store and in the model.
struct Pair<'w> {
    world: &'w World,
    key: GrantKey,
    model: Model,
}

impl Pair<'_> {
    async fn take(&mut self, step: Step) {
        match step {
            Step::Consent => self.model.add(self.world.exchange(&self.key).await.0),
            Step::Claim => self.claim(self.model.generation).await,
            Step::ClaimOld => self.claim(self.model.generation.saturating_sub(1)).await,
            Step::Send(number) => {
                let Some(at) = self.model.pick(number) else { return };
                let known = &mut self.model.attempts[at];
                let may = known.open && !known.sent;
                assert_eq!(self.world.send(&known.attempt).await, may);
                known.sent |= may;
            }
            Step::Adopt(number) => {
                let Some(at) = self.model.pick(number) else { return };
                self.adopt(at).await;
            }
            Step::Close(number) => self.close(number, false).await,
            Step::CloseUnsent(number) => self.close(number, true).await,
        }
    }

    async fn claim(&mut self, generation: u64) {
        let model = &mut self.model;
        match self.world.try_claim(&self.key, generation).await {
            ClaimOutcome::Absent => assert_eq!(model.generation, 0),
            ClaimOutcome::Newer(newer) => {
                assert!(newer.get() == model.generation && generation < model.generation);
            }
            ClaimOutcome::Undecided(until) => assert!(until > NOW && model.open_refresh().is_none()),
            ClaimOutcome::Busy(_) => assert!(model.open_refresh().is_some()),
            ClaimOutcome::Claimed(claimed) => {
                assert!(model.open_refresh().is_none(), "two refreshes are open");
                assert!(model.is_present(&claimed.attempt));
                let refresh_token = format!("refresh {}", model.generation);
                assert_eq!(claimed.refresh_token.as_bytes(), refresh_token.as_bytes());
                let sent = model.attempts.iter().any(|known| known.sent && model.is_present(&known.attempt));
                assert_eq!(claimed.sent_before.is_some(), sent);
                model.add(claimed.attempt);
            }
            outcome => panic!("nothing here leads to {outcome:?}"),
        }
    }

    /// As the broker does: seal for the generation seen first, and again for the one it moved to.
    async fn adopt(&mut self, at: usize) {
        let attempt = self.model.attempts[at].attempt.clone();
        let base = self.model.generation;
        let expected = self.model.adopt(at);
        let found = match self.adopt_after(&attempt, attempt.generation.get()).await {
            AdoptOutcome::Moved(generation) => {
                assert_eq!(generation.get(), base);
                self.adopt_after(&attempt, base).await
            }
            outcome => outcome,
        };
        assert_eq!(found, expected);
    }

    async fn adopt_after(&self, attempt: &Attempt, base: u64) -> AdoptOutcome {
        match attempt.kind {
            AttemptKind::Refresh => self.world.adopt_after(attempt, base).await,
            AttemptKind::CodeExchange(authorization) => {
                self.adopt_exchange(attempt, authorization, base).await
            }
        }
    }

    async fn adopt_exchange(
        &self,
        attempt: &Attempt,
        authorization: AuthorizationId,
        base: u64,
    ) -> AdoptOutcome {
        self.world.adopt_new(&(attempt.clone(), authorization), base).await
    }

    async fn close(&mut self, number: usize, provably_unsent: bool) {
        let Some(at) = self.model.pick(number) else { return };
        let known = &mut self.model.attempts[at];
        let left = (known.attempt.kind == AttemptKind::Refresh).then(|| after(Phase::Uncertain, true));
        let end = AttemptEnd { provably_unsent, ..self.world.end_of(&known.attempt, left) };
        assert_eq!(self.world.grants.close_attempt(&end).await.unwrap(), known.open);
        known.sent &= !(known.open && provably_unsent);
        known.open = false;
    }

    async fn agrees(&self) {
        let grant = self.world.grants.vendable(&self.key).await.unwrap();
        let model = &self.model;
        assert_eq!(grant.as_ref().map_or(0, |g| g.grant.generation.get()), model.generation);
        assert_eq!(grant.as_ref().map(|g| g.grant.lineage), model.lineage);
        if let Some(vendable) = grant {
            let access_token = format!("access {}", model.generation);
            assert_eq!(vendable.access_token.unwrap().as_bytes(), access_token.as_bytes());
            let present_open = model.open_refresh().is_some_and(|known| model.is_present(&known.attempt));
            assert_eq!(matches!(vendable.grant.phase, Phase::Claimed | Phase::Sent), present_open);
        }
        for known in &model.attempts {
            let kept = self.world.kept(&known.attempt).await;
            assert_eq!(
                (kept.phase == AttemptPhase::Closed, kept.sent_at.is_some()),
                (!known.open, known.sent)
            );
        }
    }
}

async fn run(world: &World, number: u32, steps: Vec<Step>) {
    let key = key(&format!("user-{number}"));
    let mut pair = Pair { world, key, model: Model::default() };
    let mut generation = 0;
    for step in steps {
        pair.take(step).await;
        pair.agrees().await;
        assert!(pair.model.generation >= generation);
        generation = pair.model.generation;
    }
}

/// Not asynchronous itself: what fails is run again with ever fewer steps, each time on another grant.
pub fn any_steps_agree_with_the_model<S: StoreUnderTest>() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(S::fresh());
    let world = runtime.block_on(World::of(&store));
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let number = std::cell::Cell::new(0);
    let verdict = TestRunner::new(config).run(&proptest::collection::vec(step(), 1..60), |steps| {
        number.set(number.get() + 1);
        runtime.block_on(run(&world, number.get(), steps));
        Ok(())
    });
    if let Err(failure) = verdict {
        panic!("{failure}");
    }
}
