//! Requests for rotations in memory do what those of every store do.

use std::sync::Arc;

use broker_core::testing::MemoryRequests;
use broker_core::testing::request_suite::RequestWorld;

use crate::world::key_of;

fn world() -> (RequestWorld, ()) {
    (RequestWorld { requests: Arc::<MemoryRequests>::default(), keys: [key_of("ada"), key_of("bob")] }, ())
}

broker_core::rotation_request_conformance!(world());
