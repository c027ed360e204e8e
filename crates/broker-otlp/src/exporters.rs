//! Batches of the SDK as messages.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::logs::tonic::group_logs_by_resource_and_scope;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::{Message, Sender, Undelivered};

/// Sends the batches of one signal.
#[derive(Debug)]
pub(crate) struct Exporter {
    sender: Sender,
    resource: ResourceAttributesWithSchema,
}

impl Exporter {
    pub(crate) fn new(sender: Sender) -> Self {
        Self { sender, resource: ResourceAttributesWithSchema::default() }
    }

    async fn deliver(&self, message: Message) -> OTelSdkResult {
        let delivered = self.sender.deliver(message).await;
        delivered.map_err(|problem: Undelivered| OTelSdkError::InternalFailure(problem.to_string()))
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        self.deliver(Message::Traces(ExportTraceServiceRequest { resource_spans })).await
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

impl LogExporter for Exporter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let resource_logs = group_logs_by_resource_and_scope(&batch, &self.resource);
        self.deliver(Message::Logs(ExportLogsServiceRequest { resource_logs })).await
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}
