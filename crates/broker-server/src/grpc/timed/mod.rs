//! Timing calls: around every service, authentication included, until the last trailer is sent.

mod body;
mod call;
mod layer;
mod times;

pub(crate) use self::layer::Timed;
pub(crate) use self::times::RpcTimes;
