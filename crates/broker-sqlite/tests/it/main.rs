//! What the store promises its callers, in memory and in a file.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod adoptions;
mod claims;
mod closing;
mod consents;
mod files;
mod isolation;
mod lists;
mod model;
mod tenants;
mod world;

/// Runs each test on every kind of store.
macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::world::World::in_memory().await).await;
            })*
        }
        mod file {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::world::World::in_file().await).await;
            })*
        }
    };
}
pub(crate) use on_every_store;
