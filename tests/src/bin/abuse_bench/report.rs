//! What the measurement prints.
#![expect(clippy::print_stdout, reason = "the report is the command's output")]

use broker_e2e::bench::{Cores, Spread};

use crate::Plan;
use crate::attack::Attack;
use crate::rounds::Turn;

/// What an attack may cost good clients.
const MOST: f64 = 2.0;

pub(crate) fn header(plan: &Plan, cores: &Cores) {
    println!(
        "{} good calls a second, {} rounds x {} s of each attack and of peace; {}",
        plan.rate,
        plan.rounds(),
        plan.seconds(),
        cores.describe()
    );
}

pub(crate) fn turn(round: usize, attack: Attack, turn: &Turn) {
    println!(
        "round {round:>2}: {:<24} p99 {:>7.2} ms in peace, {:>7.2} ms under attack, x {:.2}",
        attack.name(),
        turn.peace,
        turn.attack,
        turn.attack / turn.peace
    );
}

/// One line for each attack: the median of the per-round ratios. Answers whether none is more than it may be.
pub(crate) fn table(attacks: &[Attack], turns: &[Vec<Turn>]) -> bool {
    println!(
        "\n{:<24} {:>12} {:>12} {:>22} {:>10}",
        "attack", "peace p99 ms", "attack p99", "x (min - max)", "memory MB"
    );
    for (attack, turns) in attacks.iter().zip(turns) {
        println!("{}", line(attack.name(), turns));
    }
    println!("no good call failed");
    turns.iter().all(|turns| ratio(turns).median <= MOST)
}

fn ratio(turns: &[Turn]) -> Spread {
    Spread::of(turns.iter().map(|turn| turn.attack / turn.peace))
}

fn line(name: &str, turns: &[Turn]) -> String {
    let of = |value: &dyn Fn(&Turn) -> f64| Spread::of(turns.iter().map(value));
    let ratio = ratio(turns);
    let verdict = if ratio.median <= MOST { "" } else { "  MORE THAN TWICE" };
    format!(
        "{name:<24} {:>12.2} {:>12.2} {:>22} {:>10.0}{verdict}",
        of(&|turn| turn.peace).median,
        of(&|turn| turn.attack).median,
        format!("{:.2} ({:.2} - {:.2})", ratio.median, ratio.min, ratio.max),
        of(&|turn| turn.memory as f64 / 1e6).max,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_middle_of_the_ratios_and_tells_what_is_too_much() {
        let turn = |attack| Turn { peace: 1.0, attack, memory: 30_000_000 };
        let well = line("x", &[turn(1.0), turn(1.5), turn(9.0)]);
        assert!(well.contains("1.50 (1.00 - 9.00)") && well.ends_with("30"), "{well}");
        assert!(line("x", &[turn(2.5)]).ends_with("MORE THAN TWICE"));
    }
}
