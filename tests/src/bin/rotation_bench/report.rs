//! What the measurement prints.
#![expect(clippy::print_stdout, reason = "the report is the command's output")]

use broker_e2e::bench::Spread;

use crate::Plan;
use crate::rounds::Round;
use crate::turn::Turn;

/// Fewer quiet rounds than this say nothing.
const ENOUGH: usize = 3;

pub(crate) fn prepared(store: &str, grants: usize) {
    println!("{grants} users have consented on {store}");
}

pub(crate) fn header(plan: &Plan) {
    println!(
        "{} grants always due, {} in flight at a provider that takes {}, {} rounds x {} s; nothing is pinned",
        plan.grants(),
        plan.in_flight,
        humantime::format_duration(plan.latency),
        plan.rounds(),
        plan.seconds,
    );
}

pub(crate) fn round(number: usize, round: &Round) {
    let turns: Vec<_> =
        round.0.iter().map(|turn| format!("{:>6.0}/s {:>6.0} us", turn.rate, turn.cpu)).collect();
    let note = if round.is_quiet() {
        String::new()
    } else {
        format!("  not quiet: others used {:.1} CPU", round.noise())
    };
    println!("round {number:>2}: {}{note}", turns.join(" | "));
}

/// One line per subject: medians, and the median of the per-round ratios to the first with their range.
pub(crate) fn table(names: &[&str], rounds: &[Round]) {
    let quiet: Vec<&Round> = rounds.iter().filter(|round| round.is_quiet()).collect();
    let reliable = quiet.len() >= ENOUGH;
    println!(
        "\n{:<10} {:>11} {:>10} {:>11} {:>10} {:>22}   CPU x {} (min - max)",
        "store", "rotations/s", "CPU us/rot", "Postgres us", "in flight", "adopted p50 / p99 ms", names[0]
    );
    for line in lines(names, &if reliable { quiet.clone() } else { rounds.iter().collect() }) {
        println!("{line}");
    }
    println!(
        "{} of {} rounds were quiet; 0 refresh tokens were presented twice, 0 adoptions lost",
        quiet.len(),
        rounds.len()
    );
    if !reliable {
        println!(
            "NOT RELIABLE: the machine was too busy, the table is of all rounds. Run it again when it is quiet."
        );
    }
}

fn lines(names: &[&str], rounds: &[&Round]) -> Vec<String> {
    names.iter().enumerate().map(|(index, name)| line(name, index, rounds)).collect()
}

fn line(name: &str, index: usize, rounds: &[&Round]) -> String {
    let of =
        |value: &dyn Fn(&Turn) -> f64| Spread::of(rounds.iter().map(|round| value(&round.0[index]))).median;
    let some = |value: &dyn Fn(&Turn) -> Option<f64>, digits: usize| {
        let values = rounds.iter().filter_map(|round| value(&round.0[index]));
        let spread = Spread::of(values);
        if spread.max > 0.0 { format!("{:.digits$}", spread.median) } else { "-".to_owned() }
    };
    let delays = format!(
        "{} / {}",
        some(&|turn| turn.delays.map(|(middle, _)| middle), 1),
        some(&|turn| turn.delays.map(|(_, most)| most), 1)
    );
    let ratio = Spread::of(rounds.iter().map(|round| round.0[index].cpu / round.0[0].cpu));
    format!(
        "{name:<10} {:>11.0} {:>10.0} {:>11} {:>10.0} {delays:>22}   {:.2} ({:.2} - {:.2})",
        of(&|turn| turn.rate),
        of(&|turn| turn.cpu),
        some(&|turn| turn.database_cpu, 0),
        of(&|turn| turn.in_flight),
        ratio.median,
        ratio.min,
        ratio.max
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(cpu: f64, delays: Option<(f64, f64)>) -> Turn {
        Turn { rate: 2500.0, cpu, database_cpu: None, in_flight: 500.0, delays, others: 0.0 }
    }

    #[test]
    fn the_ratio_is_the_median_of_each_rounds_own_and_what_is_not_known_is_a_dash() {
        let round = |bare, broker| Round(vec![turn(bare, None), turn(broker, Some((3.0, 9.0)))]);
        let rounds = [round(40.0, 160.0), round(50.0, 250.0), round(40.0, 240.0)];
        let rounds: Vec<_> = rounds.iter().collect();
        assert!(lines(&["bare", "broker"], &rounds)[0].contains("- / -   1.00 (1.00 - 1.00)"));
        let broker = &lines(&["bare", "broker"], &rounds)[1];
        assert!(broker.contains("3.0 / 9.0   5.00 (4.00 - 6.00)"), "{broker}");
    }
}
