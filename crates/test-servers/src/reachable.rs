//! Unpacked programs under a directory that only root may enter, such as root's home, for a user who is not root.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::binaries::Binaries;
use crate::process::{Account, Workspace};

/// The programs where the user of the workspace reaches them: in their place, or else in a copy there.
pub(crate) fn reachable(binaries: &Binaries, workspace: &Workspace) -> Result<Binaries> {
    match (workspace.account(), &binaries.root) {
        (Some(account), Some(root)) if !is_open(&binaries.directory) => {
            let copy = workspace.directory().join("programs");
            copy_for(account, root, &copy)?;
            Ok(binaries.moved(root, &copy))
        }
        _ => Ok(binaries.clone()),
    }
}

/// Whether everybody may enter it and every directory above.
fn is_open(directory: &Path) -> bool {
    directory.ancestors().all(|one| fs::metadata(one).is_ok_and(|it| it.permissions().mode() & 0o001 != 0))
}

fn copy_for(account: Account, from: &Path, to: &PathBuf) -> Result<()> {
    run(Command::new("cp").arg("-R").args([from, to]))?;
    // So that the keeper, who is that user, can remove it.
    run(Command::new("chown").arg("-R").arg(format!("{}:{}", account.uid, account.gid)).arg(to))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_below_a_closed_one_is_not_open() {
        let top = tempfile::tempdir().unwrap();
        let below = top.path().join("below");
        fs::create_dir(&below).unwrap();
        fs::set_permissions(&below, fs::Permissions::from_mode(0o755)).unwrap();
        let with = |mode| {
            fs::set_permissions(top.path(), fs::Permissions::from_mode(mode)).unwrap();
            is_open(&below)
        };
        assert!(with(0o755) && !with(0o700));
    }
}
