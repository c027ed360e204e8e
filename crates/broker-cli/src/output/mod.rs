//! Prints answers on standard output and errors on standard error.

mod error;
mod style;
mod table;
mod yaml;

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

    /// Prints the answer for programs, or the table that `table` makes of it.
    pub(crate) fn answer<M: Message + Name>(
        &self,
        answer: &M,
        table: impl FnOnce(&M) -> Table,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json | Format::Yaml => self.document(&to_json(answer)?),
            Format::Table | Format::Token => self.table(&table(answer)),
        }
    }

    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        self.text(&table.render(self.style))
    }

    /// Prints a value as YAML where that is asked for, and as JSON otherwise.
    pub(crate) fn document(&self, value: &serde_json::Value) -> Result<(), Failure> {
        match self.format {
            Format::Yaml => self.text(&yaml::render(value)),
            Format::Json | Format::Table | Format::Token => self.text(&format!("{value:#}\n")),
        }
    }

    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// Prints a remark for people, beside the answer.
    pub(crate) fn remark(&self, text: &str) {
        // Text of elsewhere must not steer the terminal; nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr(), "{}", text.replace(char::is_control, "\u{fffd}"));
    }
}
