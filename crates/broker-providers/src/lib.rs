//! What the broker knows of authorization servers: one OAuth 2.0 client (RFC 6749), driven by data.
//!
//! A [`ProviderDefinition`] says how a provider treats grants, how it wants to be spoken to and where it
//! is. [`OAuthClient`] speaks to it. What a refusal means is decided in one place, the `classify` module.

mod authorize;
mod base_url;
mod classify;
mod client;
mod client_settings;
mod definition;
mod derived;
mod device;
mod encode;
mod identity;
mod lifetime;
mod members;
mod overrides;
mod profiles;
mod request;
mod response;
mod retry_after;
mod revocation;
#[cfg(test)]
mod testing;
mod validate;
mod wire;

pub use client::OAuthClient;
pub use definition::{Endpoints, ProviderDefinition};
pub use overrides::{GrantWindow, Overrides};
pub use profiles::Adapter;
pub use retry_after::retry_after;
pub use validate::DefinitionProblem;
pub use wire::{BodyFormat, ClientAuthentication, Identity, WireProfile};
