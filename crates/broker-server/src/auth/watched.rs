//! Files that change while the broker runs. What was read last and was good stays until something good replaces it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use broker_crypto::sha256;
use zeroize::Zeroizing;

use crate::panics::why_ended;

/// A file that was read.
pub(super) struct ReadFile {
    path: PathBuf,
    pub(super) content: Zeroizing<Vec<u8>>,
}

impl ReadFile {
    /// A problem with its content, told with its name.
    pub(super) fn problem(&self, what: impl std::fmt::Display) -> String {
        format!("{}: {what}", self.path.display())
    }
}

/// Reads the files. An error names the file.
pub(super) fn read_files(paths: &[impl AsRef<Path>]) -> Result<Vec<ReadFile>, String> {
    let read = |path: &Path| match std::fs::read(path) {
        Ok(content) => Ok(ReadFile { path: path.to_owned(), content: Zeroizing::new(content) }),
        Err(error) => Err(format!("{}: {error}", path.display())),
    };
    paths.iter().map(|path| read(path.as_ref())).collect()
}

/// What a set of files means.
pub(super) struct Watched<T> {
    /// For logs and metrics.
    name: String,
    paths: Vec<PathBuf>,
    parse: fn(&[ReadFile]) -> Result<T, String>,
    current: RwLock<Version<T>>,
    problem: Mutex<Option<String>>,
}

/// One version, numbered from 1.
pub(super) struct Version<T> {
    pub(super) number: u64,
    pub(super) value: Arc<T>,
    digest: [u8; 32],
}

impl<T> Clone for Version<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), ..*self }
    }
}

impl<T> Watched<T> {
    /// Reads the files for the first time.
    pub(super) fn open(
        name: impl Into<String>,
        paths: Vec<PathBuf>,
        parse: fn(&[ReadFile]) -> Result<T, String>,
    ) -> Result<Self, String> {
        let files = read_files(&paths)?;
        let first = Version { number: 1, value: Arc::new(parse(&files)?), digest: digest(&files) };
        Ok(Self { name: name.into(), paths, parse, current: RwLock::new(first), problem: Mutex::default() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The last good version.
    pub(super) fn current(&self) -> Version<T> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the current version is what the files say.
    pub(super) fn is_fresh(&self) -> bool {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Looks whether the files have changed, and takes them over if they are good. Contents are compared, not times: a
    /// volume may change several files at once, and a file twice in a second.
    pub(super) async fn look(&self) {
        let outcome = self.changed().await;
        if let Ok(Some(changed)) = &outcome {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = changed.clone();
            tracing::info!(what = self.name, version = changed.number, "changed, and taken over");
        }
        self.note(outcome.err());
    }

    async fn changed(&self) -> Result<Option<Version<T>>, String> {
        let paths = self.paths.clone();
        let reading = tokio::task::spawn_blocking(move || read_files(&paths));
        let files = reading.await.map_err(|error| why_ended(&error))??;
        let (current, digest) = (self.current(), digest(&files));
        if digest == current.digest {
            return Ok(None);
        }
        let value = Arc::new((self.parse)(&files)?);
        Ok(Some(Version { number: current.number + 1, value, digest }))
    }

    /// Each problem is logged once, however often it is met.
    fn note(&self, problem: Option<String>) {
        let mut known = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match &problem {
            Some(problem) if known.as_ref() != Some(problem) => tracing::error!(
                what = self.name,
                problem,
                "a changed file cannot be used; what was read before stays"
            ),
            None if known.is_some() => tracing::info!(what = self.name, "the files are good again"),
            _ => {}
        }
        *known = problem;
    }
}

fn digest(files: &[ReadFile]) -> [u8; 32] {
    let each: Vec<_> = files.iter().map(|file| sha256(&file.content)).collect();
    sha256(&each.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(files: &[ReadFile]) -> Result<u32, String> {
        let text = String::from_utf8_lossy(&files[0].content);
        text.parse().map_err(|_| files[0].problem("is no number"))
    }

    #[tokio::test]
    async fn the_last_good_version_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("number");
        let open = || Watched::open("number", vec![path.clone()], number);
        assert!(open().err().unwrap().contains("number: No such file"));
        std::fs::write(&path, "seven").unwrap();
        assert!(open().err().unwrap().contains("is no number"));
        std::fs::write(&path, "7").unwrap();

        let watched = open().unwrap();
        let seen = || (watched.current().number, *watched.current().value, watched.is_fresh());
        assert_eq!(seen(), (1, 7, true));
        watched.look().await;
        assert_eq!(seen(), (1, 7, true), "nothing has changed");
        std::fs::write(&path, "8").unwrap();
        watched.look().await;
        assert_eq!(seen(), (2, 8, true));
        std::fs::write(&path, "nine").unwrap();
        watched.look().await;
        assert_eq!(seen(), (2, 8, false));
        std::fs::remove_file(&path).unwrap();
        watched.look().await;
        assert_eq!(seen(), (2, 8, false));
        std::fs::write(&path, "8").unwrap();
        watched.look().await;
        assert_eq!(seen(), (2, 8, true), "what it was before is no change");
    }
}
