//! Leases among the tasks of one process do what every lease does.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker_core::Timestamp;
use broker_core::ports::{InProcessLeases, LeaseManager};
use broker_core::testing::ManualClock;
use broker_core::testing::lease_suite::LeaseWorld;

struct InProcess {
    leases: Arc<InProcessLeases>,
    clock: Arc<ManualClock>,
}

impl InProcess {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(0)));
        Self { leases: Arc::new(InProcessLeases::new(clock.clone())), clock }
    }
}

#[async_trait]
impl LeaseWorld for InProcess {
    fn leases(&self) -> Arc<dyn LeaseManager> {
        self.leases.clone()
    }

    async fn step(&self) {
        self.clock.advance(Duration::from_millis(10));
    }
}

broker_core::lease_conformance!(InProcess::new());
