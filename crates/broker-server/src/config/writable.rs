//! Whether this process may write to a directory or file, or make it.

use std::path::Path;

use rustix::fs::{Access, access};

/// The directory is there, and files can be made in it.
pub(super) fn existing(directory: &Path) -> Result<(), String> {
    let at = directory.display();
    match directory.metadata() {
        Ok(found) if !found.is_dir() => Err(format!("{at} is not a directory")),
        Ok(_) => access(directory, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|_| format!("this user may not write to the directory {at}")),
        Err(error) => Err(format!("the directory {at} cannot be used: {error}")),
    }
}

/// The directory is there, or can be made with those above it.
pub(super) fn possible(directory: &Path) -> Result<(), String> {
    let there = directory.ancestors().find(|above| above.symlink_metadata().is_ok());
    // A relative path has the present directory above its first part.
    existing(there.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// The file is not there yet, or may be written.
pub(super) fn file(path: &Path) -> Result<(), String> {
    let at = path.display();
    match path.metadata() {
        Ok(found) if !found.is_file() => Err(format!("{at} is not a file")),
        Ok(_) => access(path, Access::READ_OK | Access::WRITE_OK)
            .map_err(|_| format!("this user may not write to {at}")),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_can_be_made_below_a_directory_and_nowhere_else() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let below = directory.path().join("a/b");
        assert!(existing(directory.path()).is_ok() && existing(&below).is_err());
        assert!(
            super::file(&file).is_ok()
                && super::file(&below).is_ok()
                && super::file(directory.path()).is_err()
        );
        assert!(possible(&below).is_ok() && possible(Path::new("nowhere/yet")).is_ok());
        for bad in [file.clone(), file.join("a")] {
            assert!(possible(&bad).unwrap_err().contains("is not a directory"), "{bad:?}");
        }
    }
}
