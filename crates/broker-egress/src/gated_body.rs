//! A request body of exact length that asks a gate before its bytes leave, and leaves once.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use broker_core::ports::SendGate;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use crate::Cause;
use crate::release::Release;

type Opening = Pin<Box<dyn Future<Output = Result<Bytes, Cause>> + Send>>;

/// The body. Its first poll asks the gate: hyper polls a body only once the connection stands.
pub(crate) struct GatedBody {
    length: u64,
    /// `None` once the bytes were yielded or refused. The mutex is never locked; it makes the future `Sync`.
    opening: Option<Mutex<Opening>>,
}

impl GatedBody {
    pub(crate) fn new(
        bytes: Zeroizing<Vec<u8>>,
        gate: Arc<dyn SendGate>,
        write_within: Duration,
        release: Release,
    ) -> Self {
        let length = bytes.len() as u64;
        let opening: Opening = Box::pin(open(bytes, gate, write_within, release));
        Self { length, opening: Some(Mutex::new(opening)) }
    }
}

/// Answers with the bytes once the gate has agreed in time; nothing may be awaited after [`Release::release`].
async fn open(
    bytes: Zeroizing<Vec<u8>>,
    gate: Arc<dyn SendGate>,
    write_within: Duration,
    release: Release,
) -> Result<Bytes, Cause> {
    let asked_at = Instant::now();
    let refused = match timeout(write_within, gate.commit_sent()).await {
        Ok(Ok(())) if asked_at.elapsed() < write_within => None,
        Ok(Err(_)) => Some(Cause::GateRefused),
        // The second look at the time catches a process that was stopped while the gate was open.
        Ok(Ok(())) | Err(_) => Some(Cause::GateLate),
    };
    match refused {
        None if release.release() => Ok(Bytes::from_owner(bytes)),
        None => Err(Cause::Abandoned),
        Some(cause) => Err(release.withhold(cause.clone()).unwrap_or(cause)),
    }
}

impl Body for GatedBody {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        let Some(opening) = self.opening.as_mut() else { return Poll::Ready(None) };
        let opening = opening.get_mut().unwrap_or_else(PoisonError::into_inner);
        let outcome = ready!(opening.as_mut().poll(cx));
        self.opening = None;
        Poll::Ready(Some(outcome.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.opening.is_none()
    }

    /// Exact, so that it is sent as `Content-Length` and a body that never comes is no complete request.
    fn size_hint(&self) -> SizeHint {
        match self.opening {
            Some(_) => SizeHint::with_exact(self.length),
            None => SizeHint::with_exact(0),
        }
    }
}
