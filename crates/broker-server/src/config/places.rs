//! Where in the file, or in which variable, a key was set.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::is_name;

/// Every key of a file, and every variable.
#[derive(Default)]
pub(super) struct Places {
    /// Those around others come before them.
    keys: Vec<Place>,
    /// By the path of what they set.
    variables: BTreeMap<String, String>,
}

struct Place {
    /// Entries of lists are numbered from 1.
    path: String,
    line: usize,
    key: Range<usize>,
    value: Range<usize>,
    is_section: bool,
}

impl Places {
    /// The keys of `text`, as far as it is TOML.
    pub(super) fn of(text: &str) -> Self {
        let (table, _) = DeTable::parse_recoverable(text);
        let mut places = Self::default();
        places.add(text, "", table.get_ref());
        places
    }

    /// Notes that a variable sets what is at that path.
    pub(super) fn set_by(&mut self, path: &[String], variable: String) {
        self.variables.insert(plain(&path.join(".")), variable);
    }

    fn add(&mut self, text: &str, above: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = if above.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{above}.{}", key.get_ref())
            };
            self.add_value(text, path, key.span(), value);
        }
    }

    fn add_value(&mut self, text: &str, path: String, key: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let line = line_of(text, key.start);
        let is_section = matches!(value.get_ref(), DeValue::Table(_));
        self.keys.push(Place { path: path.clone(), line, key, value: value.span(), is_section });
        match value.get_ref() {
            DeValue::Table(inner) => self.add(text, &path, inner),
            DeValue::Array(entries) => {
                for (number, entry) in
                    (1..).zip(entries.iter()).filter(|(_, entry)| entry.get_ref().is_table())
                {
                    self.add_value(text, format!("{path}.{number}"), entry.span(), entry);
                }
            }
            _ => {}
        }
    }

    /// A problem that begins with its key, `[section] key …` or `[[section]] number 1: key …`, told with its place: that of
    /// the first word in it that is a key of the section, else that of the section.
    pub(super) fn locate(&self, file: &str, problem: &str) -> String {
        let (section, rest) = section_of(problem);
        let words = rest.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c));
        let keys = words.filter(|word| !word.is_empty()).map(|word| format!("{section}.{word}"));
        let around = section.match_indices('.').map(|(at, _)| section[..at].to_owned()).collect::<Vec<_>>();
        let candidates = keys.chain([section.clone()]).chain(around.into_iter().rev());
        candidates
            .filter_map(|path| self.place_of(file, &path))
            .next()
            .map_or_else(|| format!("{file}: {problem}"), |place| format!("{place}: {problem}"))
    }

    /// `None`: it is set nowhere.
    fn place_of(&self, file: &str, path: &str) -> Option<String> {
        let path = plain(path);
        if let Some(variable) = self.variables.get(&path) {
            return Some(format!("the environment variable {variable}"));
        }
        let place = self.keys.iter().find(|place| plain(&place.path) == path)?;
        Some(format!("{file}: line {}", place.line))
    }

    /// The key at this byte of the file, as problems name it.
    pub(super) fn key_at(&self, byte: usize) -> Option<String> {
        let place = self.innermost(byte)?;
        let names: Vec<_> = place.path.split('.').filter(|name| is_name(name)).collect();
        let (key, section) = if place.is_section {
            (None, names.as_slice())
        } else {
            names.split_last().map(|(key, rest)| (Some(key), rest))?
        };
        let section = Some(section.join("."))
            .filter(|section| !section.is_empty())
            .map(|section| format!("[{section}]"));
        let parts: Vec<_> = section.into_iter().chain(key.map(|key| (*key).to_owned())).collect();
        Some(parts.join(" "))
    }

    /// From key to end of value, where the key at this byte is no section.
    pub(super) fn setting_at(&self, byte: usize) -> Option<Range<usize>> {
        let place = self.innermost(byte).filter(|place| !place.is_section)?;
        Some(place.key.start.min(place.value.start)..place.value.end.max(place.key.end))
    }

    fn innermost(&self, byte: usize) -> Option<&Place> {
        self.keys.iter().rfind(|place| place.key.contains(&byte) || place.value.contains(&byte))
    }
}

/// `[a.b] key…` is about `a.b`, `[[a.b]] number 1: key…` about `a.b.1`. And what follows.
fn section_of(problem: &str) -> (String, &str) {
    let Some((section, rest)) = problem.trim_start_matches('[').split_once(']') else {
        return (String::new(), "");
    };
    let rest = rest.trim_start_matches([']', ' ']);
    let Some(numbered) = rest.strip_prefix("number ") else { return (section.to_owned(), rest) };
    let (number, rest) =
        numbered.split_at(numbered.find(|c: char| !c.is_ascii_digit()).unwrap_or(numbered.len()));
    (format!("{section}.{number}"), rest)
}

fn line_of(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or_default().matches('\n').count() + 1
}

/// Variables write `_` for `-`.
fn plain(path: &str) -> String {
    path.replace('-', "_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[listen]\ngrpc = \"x\"\n\n[[access.policy]]\nprincipal = \"a\"\n[[access.policy]]\n\
                        principal = \"b\"\ntenant = \"*\"\n[providers.my-idp]\nburst = 1\n[keys]\ntransit = { url = \"u\" }\n";

    #[test]
    fn a_problem_is_told_with_the_line_of_its_key_or_of_what_is_around_it() {
        let mut places = Places::of(FILE);
        places.set_by(&["log".to_owned(), "level".to_owned()], "TOKEN_BROKER__LOG__LEVEL".to_owned());
        for (problem, place) in [
            ("[listen] grpc is bad", "f: line 2: "),
            ("[listen] http is bad", "f: line 1: "),
            ("[[access.policy]] number 2: tenant is bad", "f: line 8: "),
            ("[[access.policy]] number 1: tenant is bad", "f: line 4: "),
            ("[[access.policy]] number 2 is one of those before it", "f: line 6: "),
            ("[providers.my-idp] burst goes with", "f: line 10: "),
            ("[keys.transit] url: is bad", "f: line 12: "),
            ("[listen] http + grpc must be", "f: line 2: "),
            ("[store] url is not set", "f: "),
            ("[log] level is bad", "the environment variable TOKEN_BROKER__LOG__LEVEL: "),
            ("no section at all", "f: "),
        ] {
            assert_eq!(places.locate("f", problem), format!("{place}{problem}"));
        }
    }

    #[test]
    fn a_byte_of_the_file_has_its_key() {
        let places = Places::of(FILE);
        let key_of = |text: &str| places.key_at(FILE.find(text).unwrap());
        assert_eq!(key_of("\"x\"").as_deref(), Some("[listen] grpc"));
        assert_eq!(key_of("\"u\"").as_deref(), Some("[keys.transit] url"));
        assert_eq!(key_of("principal = \"b\"").as_deref(), Some("[access.policy.2] principal"));
        assert_eq!(places.setting_at(FILE.find("grpc").unwrap()), Some(9..19));
        assert_eq!(places.setting_at(1), None, "a section");
    }
}
