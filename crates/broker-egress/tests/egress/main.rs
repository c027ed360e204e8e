//! The door to outgoing HTTP, against servers of a few lines.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails its test")]

mod api_call;
mod fetch;
mod post_once;
mod stranger;
mod tls;
mod wire;
