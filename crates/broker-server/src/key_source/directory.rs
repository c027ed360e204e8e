//! A directory with a file for each key: the mounted form of a Kubernetes secret.
//!
//! Kubernetes changes such a directory by turning the link `..data` to another directory. Everything is therefore read
//! below what that link names at one time, and never half of the old state and half of the new.

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

/// The file that names the key that wraps.
const PRIMARY: &str = "primary";
const LINK: &str = "..data";

/// The material of all keys, the one that wraps first.
pub(super) fn read(directory: &Path, primary: Option<&str>) -> Result<Zeroizing<String>, String> {
    let state = fs::canonicalize(directory.join(LINK)).unwrap_or_else(|_| directory.to_owned());
    let mut names = names(&state)?;
    let named = match primary {
        Some(name) => Some(name.to_owned()),
        None => read_primary(&state, &mut names)?,
    };
    names.retain(|name| name != PRIMARY);
    let first = first(&names, named)?;
    names.sort_by_key(|name| (*name != first, name.clone()));
    let mut material = Zeroizing::new(String::new());
    for name in &names {
        material.push_str(&line(&state, name)?);
        material.push('\n');
    }
    Ok(material)
}

fn names(state: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(state).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        let name = name.into_string().map_err(|_| "a file's name is not text".to_owned())?;
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}

fn read_primary(state: &Path, names: &mut [String]) -> Result<Option<String>, String> {
    if !names.iter().any(|name| name == PRIMARY) {
        return Ok(None);
    }
    let text = fs::read_to_string(state.join(PRIMARY)).map_err(|error| format!("{PRIMARY}: {error}"))?;
    Ok(Some(text.trim().to_owned()))
}

/// The key that wraps: the one named, or the only one.
fn first(names: &[String], named: Option<String>) -> Result<String, String> {
    match (named, names) {
        (_, []) => Err("there is no key in it".to_owned()),
        (Some(named), names) if names.contains(&named) => Ok(named),
        (Some(named), _) => Err(format!("the primary key is to be `{named}`, and there is no such file")),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(format!(
            "there are several keys; name the one that wraps in [keys] kek_primary, or in a file `{PRIMARY}` beside them"
        )),
    }
}

/// A key file holds the one line that `token-broker keys generate` writes, and bears the key's name.
fn line(state: &Path, name: &str) -> Result<Zeroizing<String>, String> {
    let text = fs::read_to_string(state.join(name)).map(Zeroizing::new);
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    let line = text.trim();
    match line.split_once(':') {
        Some((kid, _)) if kid == name && !line.contains('\n') => Ok(Zeroizing::new(line.to_owned())),
        _ => Err(format!("{name}: must hold one line `{name}:base64(32 bytes)`, the name of its file first")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            fs::write(directory.join(name), text).unwrap();
        }
    }

    fn order(directory: &Path, primary: Option<&str>) -> Result<Vec<String>, String> {
        let material = read(directory, primary)?;
        Ok(material.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect())
    }

    #[test]
    fn the_key_that_wraps_is_named_by_a_file_or_by_the_configuration() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &[("a", "a:AAAA\n")]);
        assert_eq!(order(directory.path(), None).unwrap(), ["a"], "the only one");
        write(directory.path(), &[("b", "b:BBBB"), ("c", "c:CCCC"), (".hidden", "x")]);
        assert!(order(directory.path(), None).unwrap_err().contains("kek_primary"));
        write(directory.path(), &[("primary", "b\n")]);
        assert_eq!(order(directory.path(), None).unwrap(), ["b", "a", "c"]);
        assert_eq!(order(directory.path(), Some("c")).unwrap(), ["c", "a", "b"]);
        assert!(order(directory.path(), Some("d")).unwrap_err().contains("`d`"));
    }

    #[test]
    fn a_file_must_bear_the_name_of_its_key() {
        let directory = tempfile::tempdir().unwrap();
        assert!(order(directory.path(), None).unwrap_err().contains("no key"));
        for bad in ["b:c2VjcmV0", "c2VjcmV0", "a:c2VjcmV0\nb:c2VjcmV0", ""] {
            write(directory.path(), &[("a", bad)]);
            let problem = order(directory.path(), None).unwrap_err();
            assert!(problem.starts_with("a: ") && !problem.contains("c2VjcmV0"), "{problem}");
        }
    }

    #[test]
    fn what_the_link_names_is_read_and_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for (state, key) in [("..one", "a"), ("..two", "b")] {
            fs::create_dir(root.join(state)).unwrap();
            write(&root.join(state), &[(key, &format!("{key}:AAAA"))]);
        }
        for (state, key) in [("..one", "a"), ("..two", "b")] {
            std::os::unix::fs::symlink(state, root.join("..new")).unwrap();
            fs::rename(root.join("..new"), root.join(LINK)).unwrap();
            assert_eq!(order(root, None).unwrap(), [key]);
        }
    }
}
