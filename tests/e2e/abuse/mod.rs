//! Clients who mean harm, or are broken: whoever is well-behaved notices nothing, and the broker does not grow.

mod connections;
mod flood;
mod good;
mod messages;
mod provider;
mod slow;

pub(crate) use self::good::{GROWTH, memory};
