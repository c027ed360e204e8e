//! What the measurement prints.
#![expect(clippy::print_stdout, reason = "the report is the command's output")]

use broker_e2e::bench::Spread;

use crate::audience::Audience;
use crate::rounds::Round;
use crate::turn::{Stage, Turn};

/// Fewer quiet rounds than this say nothing.
const ENOUGH: usize = 3;

/// What 99 of 100 messages may take.
const MOST_MILLIS: f64 = 100.0;

pub(crate) fn header(audience: Audience, stage: &Stage<'_>) {
    let plan = stage.plan;
    let what = match audience {
        Audience::Apart => format!("each on a grant of its own, {} rotations a second", plan.rate),
        Audience::Together => "all on one grant, 1 rotation a second".to_owned(),
    };
    println!(
        "\n{} streams on {} connections, {what}, {} rounds x {} s; {}",
        plan.streams,
        plan.connections,
        plan.rounds,
        plan.seconds(),
        stage.cores.describe(),
    );
}

pub(crate) fn round(number: usize, round: &Round) {
    let turns: Vec<_> = round
        .0
        .iter()
        .map(|turn| format!("{:>7.1} / {:>6.1} ms", percentile(turn, 50), percentile(turn, 99)))
        .collect();
    let note = if round.is_quiet() {
        String::new()
    } else {
        format!("  not quiet: others used {:.1} CPU", round.noise())
    };
    println!("round {number:>2}: {}{note}", turns.join(" | "));
}

/// One line per subject: medians of the rounds, the longest of all, and the median of the per-round ratios to the first.
/// Answers whether the last one, which is the broker, told in time.
pub(crate) fn table(names: &[&str], rounds: &[Round]) -> bool {
    let quiet: Vec<&Round> = rounds.iter().filter(|round| round.is_quiet()).collect();
    let reliable = quiet.len() >= ENOUGH;
    println!(
        "\n{:<14} {:>9} {:>8} {:>8} {:>8} {:>22} {:>11}   p99 x {} (min - max)",
        "server", "messages", "p50 ms", "p99 ms", "max ms", "adopted p50 / p99 ms", "CPU us/msg", names[0]
    );
    let counted = if reliable { quiet.clone() } else { rounds.iter().collect() };
    for line in lines(names, &counted) {
        println!("{line}");
    }
    println!("{} of {} rounds were quiet; all messages came", quiet.len(), rounds.len());
    if !reliable {
        println!(
            "NOT RELIABLE: the machine was too busy, the table is of all rounds. Run it again when it is quiet."
        );
    }
    let is_in_time = is_in_time(&counted);
    if !is_in_time {
        println!("TOO LATE: 99 of 100 messages may take {MOST_MILLIS:.0} ms");
    }
    is_in_time
}

/// Judged by the last subject, which is the broker.
fn is_in_time(rounds: &[&Round]) -> bool {
    let last = rounds.iter().filter_map(|round| round.0.last());
    Spread::of(last.map(|turn| percentile(turn, 99))).median <= MOST_MILLIS
}

fn lines(names: &[&str], rounds: &[&Round]) -> Vec<String> {
    names.iter().enumerate().map(|(index, name)| line(name, index, rounds)).collect()
}

fn line(name: &str, index: usize, rounds: &[&Round]) -> String {
    let of = |value: &dyn Fn(&Turn) -> f64| Spread::of(rounds.iter().map(|round| value(&round.0[index])));
    let adopted = rounds.iter().filter_map(|round| round.0[index].adopted);
    let (middle, most): (Vec<f64>, Vec<f64>) = adopted.unzip();
    let adopted = match middle.is_empty() {
        true => "-".to_owned(),
        false => format!("{:.1} / {:.1}", Spread::of(middle).median, Spread::of(most).median),
    };
    let p99 = |turn: &Turn| percentile(turn, 99);
    let ratio = Spread::of(rounds.iter().map(|round| p99(&round.0[index]) / p99(&round.0[0])));
    format!(
        "{name:<14} {:>9.0} {:>8.1} {:>8.1} {:>8.1} {adopted:>22} {:>11.0}   {:.2} ({:.2} - {:.2})",
        of(&|turn| turn.told.len() as f64).median,
        of(&|turn| percentile(turn, 50)).median,
        of(&p99).median,
        of(&|turn| percentile(turn, 100)).max,
        of(&|turn| turn.cpu).median,
        ratio.median,
        ratio.min,
        ratio.max
    )
}

/// The delay that so many parts of 100 do not exceed, in milliseconds.
fn percentile(turn: &Turn, percent: usize) -> f64 {
    let last = turn.told.len().saturating_sub(1);
    turn.told.get(last * percent / 100).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(slowest: f64, adopted: Option<(f64, f64)>) -> Turn {
        let told = (1..=100).map(|step| slowest * f64::from(step) / 100.0).collect();
        Turn { told, adopted, cpu: 50.0, others: 0.0 }
    }

    #[test]
    fn a_line_has_the_middle_of_the_rounds_and_the_longest_of_all() {
        let round = |bare, broker| Round(vec![turn(bare, None), turn(broker, Some((3.0, 9.0)))]);
        let rounds = [round(10.0, 20.0), round(20.0, 80.0), round(10.0, 30.0)];
        let lines = lines(&["bare", "broker"], &rounds.iter().collect::<Vec<_>>());
        assert!(lines[0].contains("-          50   1.00 (1.00 - 1.00)"), "{}", lines[0]);
        let broker = "broker               100     15.0     29.7     80.0              3.0 / 9.0          50   3.00 (2.00 - 4.00)";
        assert_eq!(lines[1], broker);
    }

    #[test]
    fn the_broker_is_judged_by_the_middle_of_its_rounds() {
        let round = |bare, broker| Round(vec![turn(bare, None), turn(broker, None)]);
        let in_time = |rounds: &[Round]| is_in_time(&rounds.iter().collect::<Vec<_>>());
        assert!(in_time(&[round(10.0, 90.0), round(10.0, 100.0), round(10.0, 300.0)]));
        assert!(!in_time(&[round(10.0, 90.0), round(10.0, 110.0), round(10.0, 300.0)]));
    }
}
