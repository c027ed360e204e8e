//! The broker's own callback page, as a browser and a product see it.

mod attacks;
mod brands;
mod flow;
mod replicas;
mod stage;
