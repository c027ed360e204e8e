//! What a provider is asked of a token it gave, against servers of a few lines: whose it is, and where it is used.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod client_settings;
mod introspection;
mod server;
mod users_self;
