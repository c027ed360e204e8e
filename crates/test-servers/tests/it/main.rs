//! The servers as tests use them: real ones.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod hold;
mod postgres;
mod redis;
mod template;
