//! What every store promises its callers: one suite, run on each kind of store.
//!
//! A kind of store is a [`StoreUnderTest`], and [`store_conformance!`](crate::store_conformance) makes one test of every
//! case for it. A store that outlives its process is a [`DurableStore`] too, and
//! [`durable_store_conformance!`](crate::durable_store_conformance) adds the cases of a restart.
//!
//! Each case is one function in the file of its theme; its name says what is promised.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test fails by panicking, in its helpers too, and its name is its description"
)]

mod cases;
mod fixture;
mod samples;
mod steps;
mod world;

#[doc(hidden)]
pub mod adoptions;
#[doc(hidden)]
pub mod asked;
#[doc(hidden)]
pub mod breakers;
#[doc(hidden)]
pub mod changed;
#[doc(hidden)]
pub mod claims;
#[doc(hidden)]
pub mod closing;
#[doc(hidden)]
pub mod consents;
#[doc(hidden)]
pub mod deletions;
#[doc(hidden)]
pub mod due;
#[doc(hidden)]
pub mod events;
#[doc(hidden)]
pub mod fleet;
#[doc(hidden)]
pub mod hosted;
#[doc(hidden)]
pub mod isolation;
#[doc(hidden)]
pub mod keys;
#[doc(hidden)]
pub mod ledger;
#[doc(hidden)]
pub mod lists;
#[doc(hidden)]
pub mod lost_commits;
#[doc(hidden)]
pub mod machine_credentials;
pub mod mints;
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod news;
#[doc(hidden)]
pub mod notices;
#[doc(hidden)]
pub mod operators;
#[doc(hidden)]
pub mod origins;
#[doc(hidden)]
pub mod orphans;
#[doc(hidden)]
pub mod pauses;
#[doc(hidden)]
pub mod policies;
#[doc(hidden)]
pub mod polls;
#[doc(hidden)]
pub mod pruning;
#[doc(hidden)]
pub mod quotas;
#[doc(hidden)]
pub mod recorded;
#[doc(hidden)]
pub mod records;
#[doc(hidden)]
pub mod registrations;
pub mod replaced;
#[doc(hidden)]
pub mod requests;
#[doc(hidden)]
pub mod restarts;
#[doc(hidden)]
pub mod revocations;
#[doc(hidden)]
pub mod revoked_answers;
#[doc(hidden)]
pub mod sealed;
#[doc(hidden)]
pub mod second_answers;
#[doc(hidden)]
pub mod secrets;
#[doc(hidden)]
pub mod sent;
#[doc(hidden)]
pub mod tenants;
#[doc(hidden)]
pub mod unread;
#[doc(hidden)]
pub mod unrecorded;
#[doc(hidden)]
pub mod webhooks;

pub use fixture::{DurableStore, Inbox, StoreUnderTest};
pub use samples::{
    HOUR, NOW, actor, after, key, key_at, key_of, provider, quotas, record, registration, tenant_id, tokens,
};
pub use world::World;
