//! Two versions of one workspace in one target directory.
//!
//! Cargo names what it builds of a workspace by package, version and the place within the workspace, not by where that is. So crates
//! of the version before would be taken for those of this one. They get another version, and everything else stays shared.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

const THIS: &str = "version = \"0.1.0\"";
const BEFORE: &str = "version = \"0.1.0-previous\"";

/// Gives every package of the unpacked workspace another version.
pub(super) fn tell_apart(source: &Path) -> Result<()> {
    change(&source.join("Cargo.toml"), |text| text.replacen(THIS, BEFORE, 1))?;
    change(&source.join("Cargo.lock"), lock)
}

fn change(file: &Path, change: impl FnOnce(&str) -> String) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let changed = change(&text);
    ensure!(changed != text, "{} has no `{THIS}` to change", file.display());
    Ok(fs::write(file, changed)?)
}

/// Packages without a source are those of the workspace.
fn lock(text: &str) -> String {
    let package = |block: &str| match block.contains("\nsource = ") {
        true => block.to_owned(),
        false => {
            block.lines().map(|line| if line == THIS { BEFORE } else { line }).collect::<Vec<_>>().join("\n")
        }
    };
    text.trim_end().split("\n\n").map(package).collect::<Vec<_>>().join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_of_the_workspace_get_another_version() {
        let ours = "[[package]]\nname = \"broker-core\"\nversion = \"0.1.0\"\ndependencies = [\n \"b\",\n]";
        let theirs = "[[package]]\nname = \"b\"\nversion = \"0.1.0\"\nsource = \"registry\"";
        let changed = lock(&format!("# top\nversion = 4\n\n{ours}\n\n{theirs}\n"));
        assert_eq!(changed.matches("0.1.0-previous").count(), 1);
        assert!(
            changed.contains("\"broker-core\"\nversion = \"0.1.0-previous\"")
                && changed.ends_with(&format!("{theirs}\n"))
        );
    }

    #[test]
    fn a_workspace_without_that_version_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        assert!(tell_apart(directory.path()).is_err());
    }
}
