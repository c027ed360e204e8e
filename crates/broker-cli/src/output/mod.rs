//! Prints answers on standard output and errors on standard error.

mod error;
mod style;
mod table;

use std::io::{self, Write as _};

use broker_proto::json::to_json;
use prost::{Message, Name};

pub(crate) use error::print_error;
pub(crate) use style::{Style, Tone};
pub(crate) use table::{Cell, Table};

use crate::cli::Format;
use crate::failure::Failure;

pub(crate) struct Output {
    format: Format,
    style: Style,
}

impl Output {
    pub(crate) fn to_stdout(format: Format) -> Self {
        Self { format, style: Style::of_stdout() }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints the answer as JSON, or the table that `table` makes of it.
    pub(crate) fn answer<M: Message + Name>(
        &self,
        answer: &M,
        table: impl FnOnce(&M) -> Table,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(&to_json(answer)?),
            Format::Table | Format::Token => self.table(&table(answer)),
        }
    }

    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        self.text(&table.render(self.style))
    }

    pub(crate) fn json(&self, value: &serde_json::Value) -> Result<(), Failure> {
        self.text(&format!("{value:#}\n"))
    }

    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// Prints a remark for people, beside the answer.
    pub(crate) fn remark(&self, text: &str) {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr(), "{text}");
    }
}
