//! A server in a container.

mod container;
mod engine;
mod image;

pub(crate) use container::{Container, Recipe};
pub(crate) use engine::Engine;
