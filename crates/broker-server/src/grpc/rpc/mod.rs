//! One span and one wide event (`event = "rpc"` of `docs/log-events.md`) for each call.

mod body;
mod ending;
mod layer;
mod method;

pub(crate) use self::layer::Told;
