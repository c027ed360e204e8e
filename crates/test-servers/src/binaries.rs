//! Server programs on this machine.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::product::Product;
use crate::version::Version;

/// The programs of one server, and what they need to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) directory: PathBuf,
    pub(crate) version: Version,
    /// Where their packages were unpacked, if they were; their libraries are there too.
    pub(crate) root: Option<PathBuf>,
}

impl Binaries {
    /// The words that start one of the programs.
    pub(crate) fn command_line(&self, program: &str) -> Vec<OsString> {
        let program = self.directory.join(program).into_os_string();
        let Some(root) = &self.root else { return vec![program] };
        let mut library_path = OsString::from("LD_LIBRARY_PATH=");
        // Fails for a path with a colon only; then the program names the library it misses.
        library_path.push(env::join_paths(libraries(root)).unwrap_or_default());
        vec!["env".into(), library_path, program]
    }

    /// The same programs in a copy of their root.
    pub(crate) fn moved(&self, root: &Path, copy: &Path) -> Self {
        let place = self.directory.strip_prefix(root).unwrap_or(&self.directory);
        Self { directory: copy.join(place), version: self.version, root: Some(copy.to_owned()) }
    }
}

/// The newest installation on the PATH or in one of the product's usual places.
pub(crate) fn installed(product: &Product) -> Result<Binaries, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = product.places.iter().flat_map(|pattern| matching(Path::new("/"), pattern));
    newest(product, env::split_paths(&path).chain(usual), None)
        .map_err(|why| format!("{why} on the PATH or in {}", product.places.join(", ")))
}

/// The newest installation in Debian's packages that were unpacked into `root`.
pub(crate) fn unpacked(product: &Product, root: &Path) -> Result<Binaries, String> {
    let directories = ["usr/lib/postgresql/*/bin", "usr/bin"].map(|pattern| matching(root, pattern)).concat();
    newest(product, directories, Some(root)).map_err(|why| format!("{why} in {}", root.display()))
}

fn newest(
    product: &Product,
    directories: impl IntoIterator<Item = PathBuf>,
    root: Option<&Path>,
) -> Result<Binaries, String> {
    let found = directories.into_iter().filter_map(|directory| examine(product, directory, root));
    match found.max_by_key(|binaries| binaries.version) {
        Some(newest) if newest.version.major >= product.least => Ok(newest),
        Some(old) => Err(format!("{} in {} is too old; nothing newer", old.version, old.directory.display())),
        None => Err("none".to_owned()),
    }
}

fn examine(product: &Product, directory: PathBuf, root: Option<&Path>) -> Option<Binaries> {
    let first = product.programs.first()?;
    if !product.programs.iter().all(|program| directory.join(program).is_file()) {
        return None;
    }
    let unknown = Version::within("0")?;
    let mut binaries = Binaries { directory, version: unknown, root: root.map(Path::to_owned) };
    let words = binaries.command_line(first);
    let (program, rest) = words.split_first()?;
    let output = Command::new(program).args(rest).arg("--version").output().ok()?;
    binaries.version = Version::within(&String::from_utf8_lossy(&output.stdout))?;
    Some(binaries)
}

fn libraries(root: &Path) -> Vec<PathBuf> {
    ["usr/lib/*-linux-gnu*", "lib/*-linux-gnu*"].map(|pattern| matching(root, pattern)).concat()
}

/// The directories under `root` that match the pattern; a `*` stands for any part of one name.
fn matching(root: &Path, pattern: &str) -> Vec<PathBuf> {
    pattern.split('/').filter(|name| !name.is_empty()).fold(vec![root.to_owned()], |found, name| {
        found.iter().flat_map(|directory| children(directory, name)).collect()
    })
}

fn children(directory: &Path, pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains('*') {
        return Some(directory.join(pattern)).filter(|path| path.is_dir()).into_iter().collect();
    }
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| fits(&entry.file_name().to_string_lossy(), pattern))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// Whether the name has the pattern's parts in their order, from its first letter to its last.
fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).filter_map(|at| tail.get(at..)).any(|tail| fits(tail, rest))
        }),
    }
}

#[cfg(test)]
mod tests;
