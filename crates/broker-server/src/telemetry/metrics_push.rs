//! The metrics of `/metrics`, told to the collector again and again.

use std::sync::Arc;
use std::time::Duration;

use broker_core::{Clock, Timestamp};
use broker_otlp::{Message, Pipeline};
use tokio_util::sync::CancellationToken;

use super::Telemetry;
use crate::condition::Conditions;
use crate::metrics;

/// How long the last numbers may take.
const LAST_WITHIN: Duration = Duration::from_secs(2);

impl Telemetry {
    /// Tells the metrics every so often until `stop`, and then once more.
    pub(crate) async fn tell_metrics(
        self,
        conditions: Conditions,
        clock: Arc<dyn Clock>,
        every: Duration,
        stop: CancellationToken,
    ) {
        let Some(pipeline) = self.0 else { return };
        // Not since this task began, which is begun again after a panic.
        let since = conditions.measured.started_at;
        let next = || async {
            clock.sleep_until(clock.now() + every).await;
            tell(&pipeline, &conditions, since, clock.now()).await;
        };
        // A delivery under way is given up: the last numbers hold all that it does.
        while stop.run_until_cancelled(next()).await.is_some() {}
        let last = tell(&pipeline, &conditions, since, clock.now());
        // Nobody waits for a collector that is away.
        let _ = tokio::time::timeout(LAST_WITHIN, last).await;
    }
}

async fn tell(pipeline: &Pipeline, conditions: &Conditions, since: Timestamp, at: Timestamp) {
    let families = metrics::snapshot(conditions);
    let message = metrics::otlp::message(&families, pipeline.resource(), metrics::otlp::Span { since, at });
    // What was not taken is told by the sender; the next numbers hold all that these did.
    let _ = pipeline.sender().deliver(Message::Metrics(message)).await;
}
