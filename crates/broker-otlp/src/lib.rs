//! The only door to a collector of telemetry: traces, logs and metrics in the OpenTelemetry protocol (OTLP).
//!
//! Spans and log records are batched by the OpenTelemetry SDK, in memory that is bounded; what finds no room is dropped and
//! nothing waits for it. All three signals leave through one [`Sender`], over gRPC or HTTP.

mod door;
mod exporters;
mod grpc;
mod http;
mod message;
mod pipeline;
mod rejected;
mod resource;
mod sender;
mod settings;
mod standing;
mod traces;

pub use opentelemetry_proto::tonic as proto;

pub use self::message::Message;
pub use self::pipeline::{NOT_TOLD, Pipeline};
pub use self::resource::{Resource, attribute};
pub use self::sender::{Delivery, Sender, Undelivered};
pub use self::settings::{Headers, OpenError, Protocol, Settings};
pub use self::traces::OtelTraces;
