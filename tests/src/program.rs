//! A child process whose output is waited for line by line.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Longer than anything takes on a busy machine, shorter than anybody's patience.
pub const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A running program. Dropping it kills it.
pub struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stderr: PathBuf,
}

impl Program {
    /// Starts the command. What it says on stderr is added to that file.
    pub fn start(mut command: Command, stderr: &Path) -> Self {
        let log = OpenOptions::new().create(true).append(true).open(stderr).unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, stderr: stderr.to_owned() }
    }

    /// The next line of stdout that contains `needle`, and all lines before it.
    pub async fn lines_until(&mut self, needle: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let reading = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                let found = line.contains(needle);
                lines.push(line);
                if found {
                    return true;
                }
            }
            false
        };
        let found = tokio::time::timeout(LONGEST_WAIT, reading).await.unwrap_or(false);
        assert!(found, "no line with `{needle}` in {lines:#?}\nand on stderr:\n{}", self.stderr());
        lines
    }

    /// The next line of stdout that contains `needle`.
    pub async fn line_with(&mut self, needle: &str) -> String {
        self.lines_until(needle).await.pop().unwrap()
    }

    /// Waits until something holds that the program brings about by itself.
    pub async fn until(&mut self, what: &str, longest: Duration, mut holds: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !holds().await {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return Some(status);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            None
        };
        let said = match tokio::time::timeout(longest, waiting).await {
            Ok(None) => return,
            Ok(Some(status)) => format!("it ended: {status}"),
            Err(_) => format!("not within {longest:?}"),
        };
        panic!("{what} does not come about, {said}; on stderr:\n{}", self.stderr());
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> ExitStatus {
        let ended = tokio::time::timeout(LONGEST_WAIT, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it does not end; on stderr:\n{}", self.stderr())).unwrap()
    }

    fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }
}
