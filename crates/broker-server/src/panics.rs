//! Panics: each is one event in the log and one more in a count, and ends nothing but the task it is in.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use tokio::task::JoinError;

tokio::task_local! {
    /// What the task that runs is for.
    static TASK: &'static str;
}

/// The name of every task that has none.
const UNNAMED: &str = "other";

/// Of the whole process, as the hook is.
static COUNTS: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

/// A task ended by a panic, which was logged and counted.
#[derive(Debug)]
pub(crate) struct Panicked;

/// From now on panics are logged as events. What a panic says is left out: it may quote what it failed on.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(note));
}

fn note(panic: &PanicHookInfo<'_>) {
    let task = TASK.try_with(|task| *task).unwrap_or(UNNAMED);
    *COUNTS.lock().unwrap_or_else(PoisonError::into_inner).entry(task).or_default() += 1;
    let at = panic.location();
    let (file, line) = at.map_or(("", 0), |at| (name_of(at.file()), at.line()));
    tracing::error!(task, file, line, "a task panicked: this is a bug of the broker");
}

/// Where it was built is nobody's concern.
fn name_of(path: &str) -> &str {
    path.rsplit_once("/src/").map_or(path, |(_, name)| name)
}

/// How many panics there were in each task.
pub(crate) fn counts() -> BTreeMap<&'static str, u64> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Runs it under this name. Of a panic in it nothing else notices but by this answer.
pub(crate) async fn contained<T>(task: &'static str, work: impl Future<Output = T>) -> Result<T, Panicked> {
    #[cfg(feature = "failpoints")]
    let work = async {
        crate::failpoints::trip(task);
        work.await
    };
    // What a task shares with others are locks, which are taken whether or not their last holder panicked.
    TASK.scope(task, AssertUnwindSafe(work).catch_unwind()).await.map_err(|_| Panicked)
}

/// Why a task that blocked ended, without what it may have said.
pub(crate) fn why_ended(error: &JoinError) -> &'static str {
    if error.is_panic() { "it panicked, which is logged" } else { "the process ends" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_blocking_task_said_is_left_out() {
        let ended = tokio::task::spawn_blocking(|| panic!("a secret")).await.unwrap_err();
        assert!(ended.to_string().contains("a secret"), "or there is nothing to leave out");
        assert_eq!(why_ended(&ended), "it panicked, which is logged");
    }

    #[tokio::test]
    async fn what_panics_ends_alone() {
        assert_eq!(contained("one", async { 7 }).await.ok(), Some(7));
        let named = contained("two", async { TASK.with(|task| *task) }).await;
        assert_eq!(named.ok(), Some("two"));
        assert!(contained("three", async { assert_eq!(TASK.get(), "no task") }).await.is_err());
        assert_eq!(name_of("/somewhere/crates/x/src/a/b.rs"), "a/b.rs");
    }
}
