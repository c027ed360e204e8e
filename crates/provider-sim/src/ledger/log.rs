//! The state file: an append-only log of commits, one JSON line each.
//!
//! A line is handed to the kernel in one `write` before the answer leaves. That survives the death of the
//! process at any moment; it does not promise to survive the death of the machine. A line that was cut off
//! while it was written is dropped at the next start: its answer never left.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use super::Event;

/// The state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The operating system refused.
    #[error("cannot use the state file {path}: {source}; check the directory and its permissions")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A complete line is not a commit of this simulator.
    #[error(
        "line {line} of the state file {path} is not a commit of provider-sim; remove the file to start anew"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// The open state file.
pub(super) struct Log {
    file: File,
}

impl Log {
    /// Opens or creates the file and replays its commits.
    pub(super) fn open(path: &Path, mut apply: impl FnMut(Event)) -> Result<Self, StateError> {
        let failed = |source| StateError::Io { path: path.to_owned(), source };
        let file = open_private(path).map_err(failed)?;
        let mut reader = BufReader::new(&file);
        let (mut whole, mut line) = (0, Vec::new());
        for number in 1.. {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(failed)?;
            if !line.ends_with(b"\n") {
                break;
            }
            let corrupt = |_| StateError::Corrupt { path: path.to_owned(), line: number };
            let events: Vec<Event> = serde_json::from_slice(&line).map_err(corrupt)?;
            events.into_iter().for_each(&mut apply);
            whole += read as u64;
        }
        drop(reader);
        file.set_len(whole).map_err(failed)?;
        Ok(Self { file })
    }

    /// Appends one commit. A commit that cannot be written whole is taken back.
    pub(super) fn append(&mut self, events: &[Event]) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        let mut line = serde_json::to_vec(events)?;
        line.push(b'\n');
        self.file.write_all(&line).inspect_err(|_| drop(self.file.set_len(before)))
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(path: &Path) -> Result<Vec<u64>, StateError> {
        let mut revoked = Vec::new();
        Log::open(path, |event| {
            if let Event::FamilyRevoked(id) = event {
                revoked.push(id);
            }
        })?;
        Ok(revoked)
    }

    #[test]
    fn a_log_cut_at_any_byte_keeps_every_whole_commit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let mut log = Log::open(&path, |_| {}).unwrap();
        log.append(&[Event::FamilyRevoked(1), Event::FamilyRevoked(2)]).unwrap();
        let first = std::fs::metadata(&path).unwrap().len() as usize;
        log.append(&[Event::FamilyRevoked(3)]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let expected: &[u64] = match length {
                n if n == bytes.len() => &[1, 2, 3],
                n if n >= first => &[1, 2],
                _ => &[],
            };
            assert_eq!(replay(&path).unwrap(), expected, "cut at {length}");
            Log::open(&path, |_| {}).unwrap().append(&[Event::FamilyRevoked(9)]).unwrap();
            assert_eq!(replay(&path).unwrap(), [expected, &[9]].concat(), "appended after a cut at {length}");
        }
    }

    #[test]
    fn a_whole_line_that_is_no_commit_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        std::fs::write(&path, "[]\nnot a commit\n").unwrap();
        assert!(matches!(replay(&path), Err(StateError::Corrupt { line: 2, .. })));
    }
}
