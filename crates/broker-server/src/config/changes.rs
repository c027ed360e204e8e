//! What tells one configuration from another: keys, never values.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::Config;

/// A configuration, and the values that were given for it. What was not given has its default.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) values: Table,
}

impl Loaded {
    /// These values with those of `other` at these keys.
    pub(crate) fn with(&self, other: &Self, keys: &[String]) -> Table {
        let mut table = self.values.clone();
        for key in keys {
            let path: Vec<_> = key.split('.').collect();
            put(&mut table, &path, at(&other.values, &path));
        }
        table
    }
}

/// The keys that differ, `section.key`. A list counts as one key.
pub(crate) fn differences(one: &Table, other: &Table) -> Vec<String> {
    let (one, other) = (flat(one), flat(other));
    let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    keys.into_iter().filter(|key| one.get(*key) != other.get(*key)).cloned().collect()
}

fn flat(table: &Table) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                found.extend(flat(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => drop(found.insert(key.clone(), value)),
        }
    }
    found
}

fn at(table: &Table, path: &[&str]) -> Option<Value> {
    let (key, rest) = path.split_first()?;
    match table.get(*key)? {
        Value::Table(inner) if !rest.is_empty() => at(inner, rest),
        value => Some(value.clone()),
    }
}

fn put(table: &mut Table, path: &[&str], value: Option<Value>) {
    match (path, value) {
        ([key], Some(value)) => drop(table.insert((*key).to_owned(), value)),
        ([key], None) => drop(table.remove(*key)),
        ([key, rest @ ..], value) => {
            let inner = table.entry((*key).to_owned()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
        ([], _) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Loaded {
        Loaded { config: Config::default(), values: toml::from_str(text).unwrap() }
    }

    #[test]
    fn keys_that_differ_are_named_and_some_of_them_taken_over() {
        let before =
            loaded("[log]\nlevel = \"info\"\n[store]\nurl = \"a\"\n[[access.policy]]\nprincipal = \"x\"\n");
        let after = loaded("[log]\nlevel = \"debug\"\n[store]\nurl = \"b\"\n[keys.transit]\nkey = \"k\"\n");
        let changed = differences(&before.values, &after.values);
        assert_eq!(changed, ["access.policy", "keys.transit.key", "log.level", "store.url"]);
        let some = ["access.policy".to_owned(), "log.level".to_owned()];
        let values = before.with(&after, &some);
        assert_eq!(differences(&values, &after.values), ["keys.transit.key", "store.url"]);
        assert_eq!(differences(&values, &values), [""; 0]);
    }
}
