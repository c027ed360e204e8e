//! What a server logs, read while it runs.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The log of one run. It ends when every process of the server has ended.
pub(super) struct Log {
    lines: Receiver<String>,
    seen: Vec<String>,
}

/// What became of a wait for a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Seen,
    Ended,
    TimedOut,
}

impl Log {
    /// Starts to read the named pipe; it opens when the server opens its end.
    pub(super) fn open(pipe: &Path) -> Self {
        let (lines, receiver) = channel();
        let pipe = pipe.to_owned();
        thread::spawn(move || read(pipe, &lines));
        Self { lines: receiver, seen: Vec::new() }
    }

    /// Waits for a line that contains `needle`.
    pub(super) fn wait_for(&mut self, needle: &str, patience: Duration) -> Line {
        let start = Instant::now();
        loop {
            match self.lines.recv_timeout(patience.saturating_sub(start.elapsed())) {
                Ok(line) => {
                    let found = line.contains(needle);
                    self.seen.push(line);
                    if found {
                        return Line::Seen;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Line::Ended,
                Err(RecvTimeoutError::Timeout) => return Line::TimedOut,
            }
        }
    }

    /// Waits for the end; `false` if it takes longer than that.
    pub(super) fn wait_for_end(&mut self, patience: Duration) -> bool {
        let start = Instant::now();
        loop {
            match self.lines.recv_timeout(patience.saturating_sub(start.elapsed())) {
                Ok(line) => self.seen.push(line),
                Err(end) => return end == RecvTimeoutError::Disconnected,
            }
        }
    }

    /// Everything up to the end.
    pub(super) fn rest(mut self, patience: Duration) -> String {
        self.wait_for_end(patience);
        self.seen()
    }

    /// What was read so far.
    pub(super) fn seen(&self) -> String {
        self.seen.join("\n")
    }
}

fn read(pipe: PathBuf, lines: &Sender<String>) {
    let Ok(pipe) = File::open(pipe) else { return };
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        // Read on when nobody listens: a full pipe would stop the server.
        let _unheard = lines.send(String::from_utf8_lossy(&line).into_owned());
    }
}
