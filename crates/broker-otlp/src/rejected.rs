//! What a collector rejected of a message that it took: `partial_success` of the OTLP specification. Such a message is not sent
//! again. The collector's words are not told: they may quote what was sent.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

use crate::message::Signal;

/// The answer to a message that was taken.
pub(crate) trait Answer: prost::Message + Default {
    /// How many spans, log records or data points were rejected.
    fn rejected(&self) -> u64;
}

impl Answer for ExportTraceServiceResponse {
    fn rejected(&self) -> u64 {
        count(self.partial_success.as_ref().map(|partial| partial.rejected_spans))
    }
}

impl Answer for ExportLogsServiceResponse {
    fn rejected(&self) -> u64 {
        count(self.partial_success.as_ref().map(|partial| partial.rejected_log_records))
    }
}

impl Answer for ExportMetricsServiceResponse {
    fn rejected(&self) -> u64 {
        count(self.partial_success.as_ref().map(|partial| partial.rejected_data_points))
    }
}

/// The same, of the body of an answer over HTTP. One that cannot be read says nothing: the status said that all is well.
pub(crate) fn in_body(signal: Signal, body: &[u8]) -> u64 {
    match signal {
        Signal::Traces => read::<ExportTraceServiceResponse>(body),
        Signal::Logs => read::<ExportLogsServiceResponse>(body),
        Signal::Metrics => read::<ExportMetricsServiceResponse>(body),
    }
}

fn read<A: Answer>(body: &[u8]) -> u64 {
    A::decode(body).map_or(0, |answer| answer.rejected())
}

fn count(rejected: Option<i64>) -> u64 {
    rejected.and_then(|rejected| u64::try_from(rejected).ok()).unwrap_or(0)
}
