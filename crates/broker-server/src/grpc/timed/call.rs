//! One call under way.

use std::sync::Arc;
use std::time::Instant;

use tonic::Code;

use super::RpcTimes;

/// Counts its time once, at its end. Dropped without one, the caller has gone.
pub(super) struct Call {
    times: Arc<RpcTimes>,
    method: usize,
    began: Instant,
    ended: bool,
}

impl Call {
    pub(super) fn begin(times: Arc<RpcTimes>, path: &str) -> Self {
        Self { method: times.method(path), times, began: Instant::now(), ended: false }
    }

    pub(super) fn end(&mut self, code: Code) {
        if !std::mem::replace(&mut self.ended, true) {
            self.times.observe(self.method, code, self.began.elapsed());
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}
