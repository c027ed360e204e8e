//! What the measurement prints.
#![expect(clippy::print_stdout, reason = "the report is the command's output")]

use broker_e2e::bench::{Cores, Spread};

use crate::Plan;
use crate::rounds::Round;

/// Fewer quiet rounds than this say nothing.
const ENOUGH: usize = 3;

pub(crate) fn prepared(done: usize, of: usize) {
    if done == of || done.is_multiple_of(500) {
        println!("{done} of {of} users have consented");
    }
}

pub(crate) fn header(plan: &Plan, cores: &Cores, reply: usize) {
    println!(
        "{} grants, {} requests in flight on {} connection(s), reply {reply} bytes, {} rounds x {} s; {}",
        plan.grants(),
        plan.in_flight,
        plan.connections,
        plan.rounds(),
        plan.seconds,
        cores.describe(),
    );
}

pub(crate) fn round(number: usize, round: &Round) {
    let turns: Vec<_> =
        round.0.iter().map(|turn| format!("{:>7.0}/s {:>6.2} us", turn.rate, turn.cpu)).collect();
    let note = if round.is_quiet() {
        String::new()
    } else {
        format!("  not quiet: others used {:.1} CPU", round.noise())
    };
    println!("round {number:>2}: {}{note}", turns.join(" | "));
}

/// One line per server: medians, and the median of the per-round ratios to the first with their range.
pub(crate) fn table(names: &[&str], rounds: &[Round]) {
    let quiet: Vec<&Round> = rounds.iter().filter(|round| round.is_quiet()).collect();
    let reliable = quiet.len() >= ENOUGH;
    println!("\n{:<14} {:>9} {:>11}   CPU x {} (min - max)", "server", "req/s", "CPU us/req", names[0]);
    for line in lines(names, &if reliable { quiet.clone() } else { rounds.iter().collect() }) {
        println!("{line}");
    }
    println!("{} of {} rounds were quiet; 0 requests failed", quiet.len(), rounds.len());
    if !reliable {
        println!(
            "NOT RELIABLE: the machine was too busy, the table is of all rounds. Run it again when it is quiet."
        );
    }
}

fn lines(names: &[&str], rounds: &[&Round]) -> Vec<String> {
    let of = |value: &dyn Fn(&Round) -> f64| Spread::of(rounds.iter().map(|round| value(round)));
    let line = |(index, name): (usize, &&str)| {
        let rate = of(&|round| round.0[index].rate).median;
        let cpu = of(&|round| round.0[index].cpu).median;
        let ratio = of(&|round| round.0[index].cpu / round.0[0].cpu);
        format!(
            "{name:<14} {rate:>9.0} {cpu:>11.2}   {:.3} ({:.3} - {:.3})",
            ratio.median, ratio.min, ratio.max
        )
    };
    names.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::Turn;

    fn round(bare: f64, broker: f64) -> Round {
        Round([bare, broker].map(|cpu| Turn { rate: 1e6 / cpu, cpu, others: 0.0 }).to_vec())
    }

    #[test]
    fn the_ratio_is_the_median_of_each_rounds_own() {
        let rounds = [round(10.0, 11.0), round(20.0, 24.0), round(10.0, 13.0)];
        let line = lines(&["bare", "broker"], &rounds.iter().collect::<Vec<_>>()).remove(1);
        assert_eq!(line, "broker             76923       13.00   1.200 (1.100 - 1.300)");
    }
}
