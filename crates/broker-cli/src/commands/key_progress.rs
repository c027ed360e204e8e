//! How far a rotation of keys is: a bar where a person watches, lines where a program reads.

use std::io::{self, IsTerminal, Write};

use broker_proto::v1::KeyRotation;

const WIDTH: i64 = 30;

pub(crate) struct Progress {
    terminal: bool,
    shown: String,
}

impl Progress {
    pub(crate) fn on_stderr() -> Self {
        Self { terminal: io::stderr().is_terminal(), shown: String::new() }
    }

    pub(crate) fn show(&mut self, rotation: &KeyRotation) {
        let text = match self.terminal {
            true => bar(rotation.done_count, rotation.remaining_count),
            false => format!("{} done, {} left", rotation.done_count, rotation.remaining_count),
        };
        if text != self.shown {
            // Nobody is left to tell when standard error is closed.
            let _ = match self.terminal {
                true => write!(io::stderr(), "\r{text}"),
                false => writeln!(io::stderr(), "{text}"),
            };
            self.shown = text;
        }
    }

    /// Leaves the line of the bar.
    pub(crate) fn end(self) {
        if self.terminal && !self.shown.is_empty() {
            let _ = writeln!(io::stderr());
        }
    }
}

/// Of one width, so that each covers the one before.
fn bar(done: i64, remaining: i64) -> String {
    let total = done.saturating_add(remaining).max(1);
    let filled = done.saturating_mul(WIDTH) / total;
    let marks: String = (0..WIDTH).map(|at| if at < filled { '#' } else { '.' }).collect();
    format!("[{marks}] {:>3} % {done:>9} done {remaining:>9} left", done.saturating_mul(100) / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_and_keeps_its_width() {
        let bars = [(0, 0), (0, 10), (5, 5), (10, 0)].map(|(done, left)| bar(done, left));
        assert!(bars.iter().all(|bar| bar.len() == bars[0].len()));
        let filled = bars.map(|bar| bar.matches('#').count());
        assert_eq!(filled, [0, 0, 15, 30]);
    }
}
