//! What a turn is measured by.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use broker_e2e::bench::{Adoptions, ProcessCpu, Server, Token, busy};

use crate::subject::Subject;
use crate::turn::{Stage, Turn};

/// What all accounts say at one moment.
pub(crate) struct Reading {
    at: u64,
    server: ProcessCpu,
    load: ProcessCpu,
    busy: Duration,
}

impl Reading {
    pub(crate) fn take(server: &Server, stage: &Stage<'_>) -> Result<Self> {
        Ok(Self {
            at: stage.clock.micros(),
            server: ProcessCpu::read(server.pid())?,
            load: ProcessCpu::read(std::process::id())?,
            busy: busy(stage.cores)?,
        })
    }

    pub(crate) fn since(
        &self,
        start: &Self,
        subject: &Subject,
        told: &[(Token, u64)],
        answered: &HashMap<Token, u64>,
    ) -> Result<Turn> {
        let adopted = match subject {
            Subject::Bare { .. } => None,
            Subject::Broker { home, grants, .. } => {
                let adoptions = Adoptions::read(&home.log(), (start.at, self.at), grants, answered)?;
                Some((adoptions.delay(50), adoptions.delay(99)))
            }
        };
        let server = self.server.since(&start.server);
        let ours = server + self.load.since(&start.load);
        let others = self.busy.saturating_sub(start.busy).saturating_sub(ours);
        Ok(Turn {
            told: delays(told, answered)?,
            adopted,
            cpu: server.as_secs_f64() * 1e6 / told.len().max(1) as f64,
            others: others.as_secs_f64() * 1e6 / (self.at - start.at).max(1) as f64,
        })
    }
}

/// From each token's answer to its message, in milliseconds, in ascending order.
fn delays(told: &[(Token, u64)], answered: &HashMap<Token, u64>) -> Result<Vec<f64>> {
    let delay = |(token, at): &(Token, u64)| {
        let answer = answered.get(token).context("a token was told that was never answered")?;
        Ok(at.saturating_sub(*answer) as f64 / 1000.0)
    };
    let mut delays: Vec<f64> = told.iter().map(delay).collect::<Result<_>>()?;
    delays.sort_by(f64::total_cmp);
    Ok(delays)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_counts_from_the_answer_of_its_token() {
        let token = |rotations| Token { grant: 7, rotations };
        let answered = HashMap::from([(token(1), 1_000), (token(2), 5_000)]);
        let told = [(token(2), 15_000), (token(1), 3_500), (token(1), 900)];
        assert_eq!(delays(&told, &answered).unwrap(), [0.0, 2.5, 10.0]);
        assert!(delays(&[(token(3), 9_000)], &answered).is_err());
    }
}
