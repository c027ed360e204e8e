//! Reading the file and the environment, and saying what is wrong and where.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Table;

use super::Config;
use super::changes::Loaded;
use super::check::check;
use super::environment::{Override, overrides};
use super::places::Places;
use super::problem::{every_problem, without_values};
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
    /// The file is not TOML, or keys are unknown or of the wrong type. Each with file, line, column and key.
    #[error("{}", alone_or_list(.0))]
    Malformed(Vec<String>),
    /// An environment variable does not fit.
    #[error("the environment variable {0}")]
    Environment(String),
    /// The values do not go together. Each with file and line, or the variable, and key.
    #[error("the configuration cannot be used:{}", list(.0))]
    Unusable(Vec<String>),
}

fn alone_or_list(problems: &[String]) -> String {
    match problems {
        [alone] => alone.clone(),
        several => format!("the configuration cannot be read:{}", list(several)),
    }
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
    read_as(path, role).map(|loaded| loaded.config)
}

/// The same for `migrate`, which uses `[store]` alone: whoever owns the schema need not hold keys.
pub fn load_for_migration(path: Option<&Path>) -> Result<Config, ConfigError> {
    read_checked(path, |config| config.store.problems()).map(|loaded| loaded.config)
}

/// The same for a process of that role, with the values that were given.
pub(crate) fn read_as(path: Option<&Path>, role: Role) -> Result<Loaded, ConfigError> {
    read_checked(path, |config| check(config, role))
}

fn read_checked(
    path: Option<&Path>,
    problems: impl FnOnce(&Config) -> Vec<String>,
) -> Result<Loaded, ConfigError> {
    let text = match path {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?,
        None => String::new(),
    };
    let (loaded, places) = parse(&text, path, overrides(std::env::vars_os())?)?;
    let problems = problems(&loaded.config);
    if problems.is_empty() {
        return Ok(loaded);
    }
    let located = problems.iter().map(|problem| places.locate(&name_of(path), problem));
    Err(ConfigError::Unusable(located.collect()))
}

fn name_of(path: Option<&Path>) -> String {
    path.unwrap_or(Path::new("defaults")).display().to_string()
}

pub(super) fn parse(
    text: &str,
    path: Option<&Path>,
    overrides: Vec<Override>,
) -> Result<(Loaded, Places), ConfigError> {
    let malformed = || {
        let problems = every_problem(text).into_iter();
        ConfigError::Malformed(problems.map(|problem| format!("{}: {problem}", name_of(path))).collect())
    };
    // Read by itself first: only here does an error still know its line.
    let mut config: Config = toml::from_str(text).map_err(|_| malformed())?;
    let mut values: Table = toml::from_str(text).map_err(|_| malformed())?;
    let mut places = Places::of(text);
    // Read anew after each variable: so an error is known to be of this one.
    for variable in overrides {
        let name = variable.name.clone();
        let set = variable.apply(&mut values)?;
        config = Config::deserialize(values.clone()).map_err(|error| {
            ConfigError::Environment(format!("{name}: {}", without_values(error.message())))
        })?;
        places.set_by(&set, name);
    }
    Ok((Loaded { config, values }, places))
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
