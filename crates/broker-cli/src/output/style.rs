//! Colours, where a person reads them.

use std::env;
use std::io::{self, IsTerminal};

/// What a text says about health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Heading,
    Good,
    Warning,
    Bad,
}

/// Whether to colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    coloured: bool,
}

impl Style {
    pub(crate) fn of_stdout() -> Self {
        Self::of(&io::stdout())
    }

    pub(crate) fn of_stderr() -> Self {
        Self::of(&io::stderr())
    }

    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { coloured: false };

    /// Colours only a terminal, and not where `NO_COLOR` is set (<https://no-color.org>).
    fn of(stream: &impl IsTerminal) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { coloured: stream.is_terminal() && !refused }
    }

    pub(crate) fn paint(self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Heading => 1,
            Tone::Good => 32,
            Tone::Warning => 33,
            Tone::Bad => 31,
        };
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_where_wanted() {
        assert_eq!(Style::PLAIN.paint("ACTIVE", Tone::Good), "ACTIVE");
        assert_eq!(Style { coloured: true }.paint("ACTIVE", Tone::Good), "\x1b[32mACTIVE\x1b[0m");
    }
}
