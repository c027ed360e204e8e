//! Passing a step's output on, and keeping what tells of its trouble: a log of a thousand tests hides the one that failed.
use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Lines after one that tells of trouble, unless a backtrace begins before.
const AFTER: usize = 5;
/// Lines of trouble that are kept: the last ones, for `cargo test` tells at the end what failed.
const MOST: usize = 40;
/// Lines of the end that are kept where none told of trouble.
const LAST: usize = 12;
/// A line is cut to so many letters.
const LONGEST: usize = 300;
/// What a step has started may outlive it and hold its output open: that is not waited for.
const REST: Duration = Duration::from_secs(2);

/// What was said that tells why a step failed.
#[derive(Default)]
pub(crate) struct Trouble {
    marked: VecDeque<String>,
    last: VecDeque<String>,
}

/// Runs a command to its end. On a terminal its output goes there, with its colours, and nothing is kept.
pub(crate) fn run(command: &mut Command) -> io::Result<(ExitStatus, Vec<String>)> {
    match io::stdout().is_terminal() {
        true => Ok((command.status()?, Vec::new())),
        false => listen(command),
    }
}

fn listen(command: &mut Command) -> io::Result<(ExitStatus, Vec<String>)> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let trouble = Arc::<Mutex<Trouble>>::default();
    let (ended, rest) = mpsc::channel();
    if let Some(stream) = child.stdout.take() {
        pass_on(stream, io::stdout(), &trouble, &ended);
    }
    if let Some(stream) = child.stderr.take() {
        pass_on(stream, io::stderr(), &trouble, &ended);
    }
    drop(ended);
    let status = child.wait()?;
    wait_for(&rest);
    let said = lock(&trouble).lines();
    Ok((status, said))
}

/// Until both streams have ended.
fn wait_for(rest: &Receiver<()>) {
    let _ = rest.recv_timeout(REST);
}

/// On a thread of its own, which drops `ended` at the end.
fn pass_on(
    from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    trouble: &Arc<Mutex<Trouble>>,
    ended: &Sender<()>,
) {
    let (trouble, ended) = (trouble.clone(), ended.clone());
    thread::spawn(move || {
        let (mut lines, mut line, mut following) = (BufReader::new(from), Vec::new(), 0);
        while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            // Where nobody reads any more, the step is still to end as it would.
            let _ = to.write_all(&line);
            lock(&trouble).hear(String::from_utf8_lossy(&line).trim_end(), &mut following);
            line.clear();
        }
        drop(ended);
    });
}

impl Trouble {
    /// `following` counts the lines of one stream that belong to the trouble before them.
    fn hear(&mut self, text: &str, following: &mut usize) {
        if tells(text) {
            *following = AFTER + 1;
        } else if is_of_no_trouble(text) {
            *following = 0;
        }
        let text: String = text.chars().take(LONGEST).collect();
        if *following > 0 {
            *following -= 1;
            keep(&mut self.marked, text.clone(), MOST);
        }
        keep(&mut self.last, text, LAST);
    }

    fn lines(&mut self) -> Vec<String> {
        match self.marked.is_empty() {
            true => self.last.drain(..).collect(),
            false => self.marked.drain(..).collect(),
        }
    }
}

fn keep(lines: &mut VecDeque<String>, line: String, most: usize) {
    if lines.len() == most {
        lines.pop_front();
    }
    lines.push_back(line);
}

fn tells(line: &str) -> bool {
    line.contains("panicked at") || line.starts_with("error") || line.ends_with("FAILED")
}

/// Such lines follow on what told of trouble, and would push what others said out of what is kept.
fn is_of_no_trouble(line: &str) -> bool {
    let begins = ["stack backtrace:", "note: ", "Running ", "Doc-tests ", "running "];
    begins.iter().any(|begin| line.trim_start().starts_with(begin)) || line.ends_with("... ok")
}

fn lock(trouble: &Mutex<Trouble>) -> MutexGuard<'_, Trouble> {
    trouble.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: impl IntoIterator<Item = String>) -> Vec<String> {
        let (mut trouble, mut following) = (Trouble::default(), 0);
        lines.into_iter().for_each(|line| trouble.hear(&line, &mut following));
        trouble.lines()
    }

    #[test]
    fn what_panicked_is_kept_with_its_message_however_much_comes_after_it() {
        let good = |count| (0..count).map(|number| format!("test number_{number} ... ok"));
        let bad = ["thread 'a' panicked at a.rs:1:2:", "the door is open"].map(str::to_owned);
        let trace = ["stack backtrace:", "   0: __rustc::rust_begin_unwind"].map(str::to_owned);
        assert_eq!(heard(good(1000).chain(bad.clone()).chain(trace).chain(good(1000))), bad);
        assert_eq!(heard(good(1000).chain(bad.clone()).chain(good(1000))), bad);
    }

    #[test]
    fn a_message_of_several_lines_is_kept_whole() {
        let bad =
            ["thread 'a' panicked at a.rs:1:2:", "assertion failed: spent twice", "  left: 2", " right: 1"];
        assert_eq!(heard(bad.map(str::to_owned)), bad);
    }

    #[test]
    fn where_nothing_told_of_trouble_the_end_is_kept() {
        let said = heard((0..1000).map(|number| format!("line {number}")));
        assert_eq!((said.len(), said[LAST - 1].as_str()), (LAST, "line 999"));
    }

    #[test]
    fn of_much_trouble_the_last_is_kept() {
        let said = heard((0..1000).map(|number| format!("error: {number}")));
        assert_eq!((said.len(), said[MOST - 1].as_str()), (MOST, "error: 999"));
    }

    #[test]
    fn a_step_that_leaves_somebody_behind_is_over_all_the_same() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo one; sleep 20 & echo 'error: two' >&2; exit 3"]);
        let began = std::time::Instant::now();
        let (status, said) = listen(&mut shell).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(said.contains(&"error: two".to_owned()), "{said:?}");
        assert!(began.elapsed() < Duration::from_secs(15), "it waited for the one left behind");
    }
}
