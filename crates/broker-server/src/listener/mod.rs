//! The listeners: who may connect, for how long, and how much of this process a connection may take.

mod accept;
mod bind;
mod calls;
mod connection;
mod grpc;
mod http;
mod life;
mod slots;
mod spoken;

pub(crate) use self::bind::bind;
pub(crate) use self::grpc::GrpcListener;
pub(crate) use self::http::HttpListener;
pub(crate) use self::slots::Slots;
