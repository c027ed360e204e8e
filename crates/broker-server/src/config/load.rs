//! Reading the file and the environment, and saying what is wrong and where.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Config;
use super::check::check;
use super::environment::{Override, overrides};
use super::problem::{in_file, without_values};
use crate::role::Role;

/// What is wrong with a configuration. The text names the file, line and key, or the variable; never a value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or a key is unknown or of the wrong type.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column and problem.
        problem: String,
    },
    /// An environment variable does not fit.
    #[error("the environment variable {0}")]
    Environment(String),
    /// The values do not go together.
    #[error("the configuration cannot be used:{}", list(.0))]
    Unusable(Vec<String>),
}

fn list(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  - {problem}")).collect()
}

/// Reads `path` (or the defaults), applies the environment and checks the whole, for a process that does everything.
pub fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
    load_as(path, Role::All)
}

/// The same for a process of that role.
pub fn load_as(path: Option<&Path>, role: Role) -> Result<Config, ConfigError> {
    let text = match path {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?,
        None => String::new(),
    };
    let config = parse(&text, path, overrides(std::env::vars_os())?)?;
    let problems = check(&config, role);
    if problems.is_empty() { Ok(config) } else { Err(ConfigError::Unusable(problems)) }
}

pub(super) fn parse(
    text: &str,
    path: Option<&Path>,
    overrides: Vec<Override>,
) -> Result<Config, ConfigError> {
    let malformed = |error: toml::de::Error| ConfigError::Malformed {
        path: path.unwrap_or(Path::new("defaults")).to_owned(),
        problem: in_file(text, &error),
    };
    // Read by itself first: only here does an error still know its line.
    let mut config: Config = toml::from_str(text).map_err(malformed)?;
    let mut table: toml::Table = toml::from_str(text).map_err(malformed)?;
    // Read anew after each variable: so an error is known to be of this one.
    for variable in overrides {
        let name = variable.name.clone();
        variable.apply(&mut table)?;
        config = Config::deserialize(table.clone()).map_err(|error| {
            ConfigError::Environment(format!("{name}: {}", without_values(error.message())))
        })?;
    }
    Ok(config)
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
