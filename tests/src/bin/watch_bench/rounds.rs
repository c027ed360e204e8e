//! Who is measured, and in which order.

use anyhow::Result;
use broker_e2e::bench::{Cores, Stub, Times};
use provider_sim::Clock;

use crate::Plan;
use crate::audience::Audience;
use crate::report;
use crate::subject::Subject;
use crate::turn::{self, Stage, Turn};

/// Nothing is due while it is measured: what is rotated was asked for.
const EXPIRES_IN: u32 = 12 * 3600;
/// A turn during which other processes used more of the cores than this spoils its round.
const NOISE_LIMIT: f64 = 0.3;
/// Spoiled rounds are repeated until this many times the wanted number were tried.
const PATIENCE: usize = 2;

/// One turn of each subject, in their order.
pub(crate) struct Round(pub(crate) Vec<Turn>);

impl Round {
    pub(crate) fn is_quiet(&self) -> bool {
        self.noise() <= NOISE_LIMIT
    }

    /// CPUs that others used in the worst turn.
    pub(crate) fn noise(&self) -> f64 {
        self.0.iter().map(|turn| turn.others).fold(0.0, f64::max)
    }
}

/// Makes the grants, measures, and prints what came out. Answers whether watchers were told in time.
pub(crate) async fn compare(plan: &Plan, cores: &Cores) -> Result<bool> {
    let (directory, clock) = (tempfile::tempdir()?, Clock::system());
    let times = Times { latency: plan.latency, expires_in: EXPIRES_IN };
    let stub = Stub::start(2 * plan.streams, times, clock.clone()).await?;
    let broker = Subject::broker(plan, directory.path(), &stub, cores).await?;
    let subjects = [Subject::bare(directory.path(), &stub), broker];
    let stage = Stage { plan, cores, stub: &stub, clock: &clock };
    let mut is_in_time = true;
    for audience in [Audience::Apart, Audience::Together] {
        report::header(audience, &stage);
        let rounds = all_rounds(&subjects, audience, &stage).await?;
        is_in_time &= report::table(&subjects.each_ref().map(Subject::name), &rounds);
    }
    Ok(is_in_time)
}

async fn all_rounds(subjects: &[Subject], audience: Audience, stage: &Stage<'_>) -> Result<Vec<Round>> {
    let (mut rounds, wanted) = (Vec::new(), stage.plan.rounds.max(1));
    let mut quiet = 0;
    while quiet < wanted && rounds.len() < wanted * PATIENCE {
        let round = one_round(subjects, rounds.len(), audience, stage).await?;
        quiet += usize::from(round.is_quiet());
        report::round(rounds.len() + 1, &round);
        rounds.push(round);
    }
    Ok(rounds)
}

async fn one_round(
    subjects: &[Subject],
    number: usize,
    audience: Audience,
    stage: &Stage<'_>,
) -> Result<Round> {
    let mut turns = vec![None; subjects.len()];
    for place in 0..subjects.len() {
        let index = (place + number) % subjects.len();
        turns[index] = Some(turn::take(&subjects[index], audience, stage).await?);
    }
    Ok(Round(turns.into_iter().flatten().collect()))
}
