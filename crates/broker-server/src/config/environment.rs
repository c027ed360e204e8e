//! `TOKEN_BROKER__SECTION__KEY` overrides `key` of `[section]`; `-` in a name is written `_`.

use std::ffi::OsString;

use toml::{Table, Value};

use super::ConfigError;

const PREFIX: &str = "TOKEN_BROKER__";

/// The variables that are meant for the broker, without their prefix.
pub(super) fn overrides(variables: impl Iterator<Item = (OsString, OsString)>) -> Vec<(String, String)> {
    let ours = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok()?.strip_prefix(PREFIX)?.to_owned();
        Some((name, value.into_string().ok()?))
    };
    let mut found: Vec<_> = variables.filter_map(ours).collect();
    found.sort();
    found
}

/// Puts the overrides into the table. Answers the variables' full names.
pub(super) fn apply(table: &mut Table, overrides: Vec<(String, String)>) -> Result<Vec<String>, ConfigError> {
    let mut names = Vec::new();
    for (name, value) in overrides {
        let path: Vec<String> = name.split("__").map(str::to_lowercase).collect();
        if path.len() < 2 || path.iter().any(String::is_empty) {
            return Err(ConfigError::Environment(format!(
                "{PREFIX}{name} names no key; write {PREFIX}SECTION__KEY"
            )));
        }
        set(table, &path, literal(value), &name)?;
        names.push(format!("{PREFIX}{name}"));
    }
    Ok(names)
}

fn set(table: &mut Table, path: &[String], value: Value, name: &str) -> Result<(), ConfigError> {
    let Some((key, rest)) = path.split_first() else { return Ok(()) };
    let key = existing_name(table, key);
    if rest.is_empty() {
        table.insert(key, value);
        return Ok(());
    }
    match table.entry(key).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => set(inner, rest, value, name),
        _ => Err(ConfigError::Environment(format!("{PREFIX}{name} goes below a key that is no section"))),
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
fn literal(text: String) -> Value {
    let as_toml = format!("value = {text}");
    let parsed = toml::from_str::<Table>(&as_toml).ok().and_then(|mut table| table.remove("value"));
    match parsed {
        Some(value @ (Value::Boolean(_) | Value::Integer(_) | Value::Array(_) | Value::Table(_))) => value,
        _ => Value::String(text),
    }
}
