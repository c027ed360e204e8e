//! Tasks that must not end before the process does.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::panics::contained;

/// The pauses before a task is begun again: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Runs it, and begins it again after a panic, until it ends by itself or `stop` is cancelled.
pub(crate) async fn supervised<F>(task: &'static str, stop: CancellationToken, run: impl Fn() -> F)
where
    F: Future<Output = ()>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        if contained(task, run()).await.is_ok() || stop.is_cancelled() {
            return;
        }
        if began.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        let seconds = pause.as_secs();
        tracing::warn!(task, seconds, "it is begun again after this pause");
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Runs what cannot be begun again. After a panic in it the process must not go on: `failed` is cancelled.
pub(crate) async fn vital(task: &'static str, failed: CancellationToken, run: impl Future<Output = ()>) {
    if contained(task, run).await.is_err() {
        tracing::error!(task, "the broker cannot go on without it, and ends");
        failed.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_panics_is_begun_again_after_ever_longer_pauses() {
        let (runs, began) = (Cell::new(0), Instant::now());
        let run = || async {
            runs.set(runs.get() + 1);
            assert!(runs.get() > 3, "a panic");
        };
        supervised("test", CancellationToken::new(), run).await;
        assert_eq!((runs.get(), began.elapsed().as_secs()), (4, 1 + 2 + 4));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_begun_again_once_the_process_stops() {
        let (runs, stop) = (Cell::new(0), CancellationToken::new());
        let run = || async {
            runs.set(runs.get() + 1);
            stop.cancel();
            panic!("once");
        };
        supervised("test", stop.clone(), run).await;
        assert_eq!(runs.get(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_begun_again_ends_the_process_by_a_panic_alone() {
        let failed = CancellationToken::new();
        vital("test", failed.clone(), async {}).await;
        assert!(!failed.is_cancelled());
        vital("test", failed.clone(), async { panic!("once") }).await;
        assert!(failed.is_cancelled());
    }
}
