//! Passing a step's output on, and keeping what tells of its trouble: a log of a thousand tests hides the one that failed.
#![expect(clippy::print_stdout, reason = "what a step says is the command's output")]

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Lines after one that tells of trouble.
const AFTER: usize = 5;
/// Lines of trouble that are kept: the first ones.
const MOST: usize = 60;
/// Lines of the end that are kept.
const LAST: usize = 12;
/// A line is cut to so many letters.
const LONGEST: usize = 300;
/// What a step has started may outlive it and hold its output open: that is not waited for.
const REST: Duration = Duration::from_secs(2);

/// What was said that tells why a step failed.
#[derive(Default)]
pub(crate) struct Trouble {
    marked: Vec<String>,
    last: VecDeque<String>,
}

/// Runs a command to its end. On a terminal its output goes there, with its colours, and nothing is kept.
pub(crate) fn run(command: &mut Command) -> io::Result<(ExitStatus, Vec<String>)> {
    if io::stdout().is_terminal() {
        return Ok((command.status()?, Vec::new()));
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let trouble = Arc::<Mutex<Trouble>>::default();
    let (ended, rest) = mpsc::channel::<()>();
    for stream in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
        let (trouble, ended) = (trouble.clone(), ended.clone());
        thread::spawn(move || {
            pass_on(stream, &trouble);
            drop(ended);
        });
    }
    drop(ended);
    let status = child.wait()?;
    wait_for(&rest);
    let said = lock(&trouble).lines();
    Ok((status, said))
}

fn boxed(stream: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(stream)
}

/// Until both streams have ended.
fn wait_for(rest: &Receiver<()>) {
    let _ = rest.recv_timeout(REST);
}

fn pass_on(stream: impl Read, trouble: &Mutex<Trouble>) {
    let (mut lines, mut line, mut following) = (BufReader::new(stream), Vec::new(), 0);
    while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        println!("{text}");
        lock(trouble).hear(text, &mut following);
        line.clear();
    }
}

impl Trouble {
    /// `following` counts the lines of one stream that belong to the trouble before them.
    fn hear(&mut self, text: String, following: &mut usize) {
        if tells(&text) {
            *following = AFTER + 1;
        }
        let text: String = text.chars().take(LONGEST).collect();
        if *following > 0 {
            *following -= 1;
            if self.marked.len() < MOST {
                self.marked.push(text.clone());
            }
        }
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }

    fn lines(&mut self) -> Vec<String> {
        let mut lines = std::mem::take(&mut self.marked);
        if !lines.is_empty() {
            lines.push("and at the end:".to_owned());
        }
        lines.extend(self.last.drain(..));
        lines
    }
}

fn tells(line: &str) -> bool {
    line.contains("panicked at") || line.starts_with("error") || line.ends_with("FAILED")
}

fn lock(trouble: &Mutex<Trouble>) -> MutexGuard<'_, Trouble> {
    trouble.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: impl IntoIterator<Item = String>) -> Vec<String> {
        let (mut trouble, mut following) = (Trouble::default(), 0);
        lines.into_iter().for_each(|line| trouble.hear(line, &mut following));
        trouble.lines()
    }

    #[test]
    fn what_panicked_is_kept_with_its_message_however_much_comes_after_it() {
        let good = |count| (0..count).map(|number| format!("test number_{number} ... ok"));
        let bad = ["thread 'a' panicked at a.rs:1:2:", "the door is open"].map(str::to_owned);
        let said = heard(good(1000).chain(bad.clone()).chain(good(1000)));
        assert_eq!(said[..2], bad);
        assert_eq!(said.len(), 1 + AFTER + 1 + LAST);
        assert_eq!(said.last().unwrap(), "test number_999 ... ok");
    }

    #[test]
    fn of_much_trouble_the_first_is_kept() {
        let said = heard((0..1000).map(|number| format!("error: {number}")));
        assert_eq!((said.len(), said[0].as_str()), (MOST + 1 + LAST, "error: 0"));
    }

    #[test]
    fn a_step_that_leaves_somebody_behind_is_over_all_the_same() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo one; sleep 60 & echo 'error: two' >&2; exit 3"]);
        let began = std::time::Instant::now();
        let (status, said) = run(&mut shell).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(said.is_empty() || said.contains(&"error: two".to_owned()), "{said:?}");
        assert!(began.elapsed() < Duration::from_secs(30), "it waited for the one left behind");
    }
}
