//! What is counted at the edges of this process: calls in and out, and the store.

use std::sync::Arc;

use broker_core::Timestamp;
use broker_egress::CallTimes;
use tokio_util::task::TaskTracker;

use crate::grpc::{RpcTimes, Vends};
use crate::role::Role;
use crate::store::Store;

/// Shared with whoever counts.
#[derive(Clone)]
pub(crate) struct Measured {
    pub(crate) role: Role,
    pub(crate) started_at: Timestamp,
    pub(crate) vends: Arc<Vends>,
    pub(crate) rpcs: Arc<RpcTimes>,
    /// Outgoing HTTP.
    pub(crate) calls: Arc<CallTimes>,
    /// Streams of tokens.
    pub(crate) streams: TaskTracker,
    pub(crate) store: Store,
}
