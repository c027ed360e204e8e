//! `TOKEN_BROKER__SECTION__KEY` overrides `key` of `[section]`; `-` in a name is written `_`.

use std::ffi::OsString;

use toml::{Table, Value};

use super::ConfigError;

const PREFIX: &str = "TOKEN_BROKER__";

/// One variable that is meant for the broker.
pub(super) struct Override {
    /// Its full name.
    pub(super) name: String,
    value: String,
}

impl Override {
    pub(super) fn new(name: String, value: String) -> Self {
        Self { name, value }
    }

    /// Puts the value where the name says. Answers where that is.
    pub(super) fn apply(self, table: &mut Table) -> Result<Vec<String>, ConfigError> {
        let path: Vec<String> = self.name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
        if path.len() < 2 || path.iter().any(String::is_empty) {
            return Err(self.problem(format_args!("names no key; write {PREFIX}SECTION__KEY")));
        }
        match set(table, &path, literal(&self.value)) {
            true => Ok(path),
            false => Err(self.problem("goes below a key that is no section")),
        }
    }

    fn problem(&self, what: impl std::fmt::Display) -> ConfigError {
        ConfigError::Environment(format!("{} {what}", self.name))
    }
}

/// The variables that are meant for the broker, by name.
pub(super) fn overrides(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<Override>, ConfigError> {
    let mut found = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.into_string().ok().filter(|name| name.starts_with(PREFIX)) else { continue };
        let value =
            value.into_string().map_err(|_| ConfigError::Environment(format!("{name} is not UTF-8")))?;
        found.push(Override::new(name, value));
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// `false`: the path leads below a key that is no section.
fn set(table: &mut Table, path: &[String], value: Value) -> bool {
    let Some((key, rest)) = path.split_first() else { return true };
    let key = existing_name(table, key);
    if rest.is_empty() {
        table.insert(key, value);
        return true;
    }
    match table.entry(key).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => set(inner, rest, value),
        _ => false,
    }
}

/// A name may be written with `-` in the file. Keys of the model have none, names of providers may.
fn existing_name(table: &Table, written: &str) -> String {
    let same = |key: &&String| key.replace('-', "_") == written;
    match table.keys().find(same) {
        Some(known) => known.clone(),
        None if written == "eagle_eye" => "eagle-eye".to_owned(),
        None => written.to_owned(),
    }
}

/// Numbers, booleans, arrays and tables are written as in TOML; anything else is text.
fn literal(text: &str) -> Value {
    let as_toml = format!("value = {text}");
    let parsed = toml::from_str::<Table>(&as_toml).ok().and_then(|mut table| table.remove("value"));
    match parsed {
        Some(value @ (Value::Boolean(_) | Value::Integer(_) | Value::Array(_) | Value::Table(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}
