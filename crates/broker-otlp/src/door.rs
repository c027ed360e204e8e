//! One try to deliver a message, over gRPC or HTTP.

use std::time::Duration;

use crate::grpc::GrpcDoor;
use crate::http::HttpDoor;
use crate::{Message, OpenError, Protocol, Settings};

/// Why a try failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Another try may succeed, after this pause at least where the collector asks for one.
    Passing(String, Option<Duration>),
    /// Another try would fail too.
    Lasting(String),
}

#[derive(Debug)]
pub(crate) enum Door {
    Grpc(GrpcDoor),
    Http(HttpDoor),
}

impl Door {
    /// Does not touch the network. Call it in a runtime.
    pub(crate) fn open(settings: &Settings) -> Result<Self, OpenError> {
        match settings.protocol {
            Protocol::Grpc => GrpcDoor::open(settings).map(Self::Grpc),
            Protocol::Http => HttpDoor::open(settings).map(Self::Http),
        }
    }

    /// How many items the collector rejected of a message it took.
    pub(crate) async fn deliver(&self, message: &Message) -> Result<u64, Failure> {
        match self {
            Self::Grpc(door) => door.deliver(message.clone()).await,
            Self::Http(door) => door.deliver(message).await,
        }
    }
}
