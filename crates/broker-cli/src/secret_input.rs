//! Secrets come from files or standard input. Arguments are visible to every process of the machine.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use crate::failure::Failure;

/// Reads a secret from `path`, `-` being standard input, without the line end that editors add.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let text = if path == Path::new("-") { read_stdin() } else { fs::read_to_string(path) };
    let mut text = text.map_err(|error| Failure::Unreadable { path: path.to_owned(), error })?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    if text.is_empty() {
        return Err(Failure::Usage(format!("{} is empty", path.display())));
    }
    Ok(text)
}

fn read_stdin() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}
