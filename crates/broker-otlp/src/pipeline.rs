//! From spans and events of this process to batches.

use std::time::Duration;

use broker_core::ports::SPANS;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::{BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Filter;
use tracing_subscriber::{Layer, Registry};

use crate::exporters::Exporter;
use crate::{OpenError, Resource, Sender, Settings};

/// The instrumentation scope of spans.
const SCOPE: &str = "token-broker";

/// Targets of what reports about delivering telemetry. It is not delivered as telemetry: each failure would make the next
/// message.
pub const NOT_TOLD: &[&str] =
    &["broker_otlp", "h2", "hyper", "opentelemetry", "opentelemetry_sdk", "reqwest", "tonic"];

/// Spans and logs on their way to a collector.
pub struct Pipeline {
    sender: Sender,
    resource: Resource,
    spans: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

impl Pipeline {
    /// Opens it. Does not touch the network; what is sent runs on this runtime.
    pub fn open(settings: &Settings, runtime: Handle) -> Result<Self, OpenError> {
        let sender = Sender::open(settings, runtime)?;
        let resource = settings.resource.of_sdk();
        let spans = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio))))
            .with_resource(resource.clone())
            .with_span_processor(BatchSpanProcessor::builder(Exporter::new(sender.clone())).build())
            .build();
        let logs = SdkLoggerProvider::builder()
            .with_resource(resource)
            .with_log_processor(BatchLogProcessor::builder(Exporter::new(sender.clone())).build())
            .build();
        Ok(Self { sender, resource: settings.resource.clone(), spans, logs })
    }

    /// What takes part in the subscriber of this process. Of events those that `levels` lets pass are told; it must
    /// leave out [`NOT_TOLD`].
    pub fn layers(
        &self,
        levels: impl Filter<Registry> + Send + Sync + 'static,
    ) -> [Box<dyn Layer<Registry> + Send + Sync>; 2] {
        let only_spans = Targets::new().with_target(SPANS, LevelFilter::DEBUG);
        let logs = OpenTelemetryTracingBridge::new(&self.logs);
        let spans = tracing_opentelemetry::layer()
            .with_tracer(self.spans.tracer(SCOPE))
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        [spans.with_filter(only_spans).boxed(), logs.with_filter(levels).boxed()]
    }

    /// What delivers other signals.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Who tells.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Sends what is still in memory, for at most this long. Blocks.
    pub fn shut_down(&self, within: Duration) {
        // What cannot be sent any more is lost, as told.
        let (spans, logs) = (self.spans.clone(), self.logs.clone());
        std::thread::scope(|threads| {
            threads.spawn(move || drop(spans.shutdown_with_timeout(within)));
            threads.spawn(move || drop(logs.shutdown_with_timeout(within)));
        });
    }
}
