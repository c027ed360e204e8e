//! Makes a call again that the way to the broker failed.

use std::error::Error as _;
use std::time::Duration;

use tokio::time::sleep;
use tonic::Status;

use super::options::Jitter;
use super::way::is_of_the_way;

/// Before a call is made again. Replicas that end are left one after the other, and one that starts is there soon.
const WAITS: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(20), Duration::from_millis(100), Duration::from_millis(400)];

/// The answer of `call`, which is made again while the broker itself did not answer. Only for calls that may be made twice.
pub(super) async fn again<T, F: Future<Output = Result<T, Status>>>(
    jitter: &Jitter,
    mut call: impl FnMut() -> F,
) -> Result<T, Status> {
    for wait in WAITS {
        match call().await {
            Err(status) if can_be_made_again(&status) => {
                sleep(wait / 2 + (wait / 2).mul_f64((jitter)().clamp(0.0, 1.0))).await;
            }
            answered => return answered,
        }
    }
    call().await
}

/// What a broker says comes as a status and nothing else. What broke before it has a cause.
fn can_be_made_again(status: &Status) -> bool {
    status.source().is_some_and(is_of_the_way)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use tonic::TimeoutExpired;

    use super::*;

    fn broken() -> Status {
        Status::from_error(Box::new(io::Error::from(io::ErrorKind::ConnectionReset)))
    }

    async fn calls_until(answers: impl Fn(usize) -> Result<(), Status>) -> (usize, Result<(), Status>) {
        let mut made = 0;
        let jitter: Jitter = Arc::new(|| 1.0);
        let answer = again(&jitter, || {
            made += 1;
            std::future::ready(answers(made))
        })
        .await;
        (made, answer)
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_connection_is_not_the_end_of_a_call() {
        let (made, answer) = calls_until(|made| if made < 3 { Err(broken()) } else { Ok(()) }).await;
        assert!(made == 3 && answer.is_ok(), "{made} {answer:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_broker_says_is_final() {
        let (made, answer) = calls_until(|_| Err(Status::unavailable("the provider is away"))).await;
        assert!(made == 1 && answer.is_err(), "{made}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_given_up_is_not_made_again() {
        let given_up = || Status::from_error(Box::new(TimeoutExpired(())));
        let (made, answer) = calls_until(|_| Err(given_up())).await;
        assert!(made == 1 && answer.is_err(), "{made}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_where_nobody_is_there() {
        let (made, answer) = calls_until(|_| Err(broken())).await;
        assert!(made == WAITS.len() + 1 && answer.is_err(), "{made}");
    }
}
